import process from 'node:process';
import type { Recorder } from '../../core/record/recording.ts';
import { subscribeHttpChannels } from './channels/http-channels.ts';
import { subscribeChannels } from './channels/undici-channels.ts';
import { createHostMatcher, toHosts } from './hosts.ts';
import type { LedgerOptions } from './ledger.ts';
import { ledgerOf } from './ledger.ts';
import type { Fetch } from './recording-fetch.ts';
import { wrapFetch } from './recording-fetch.ts';

/** A place where requests of a process are seen. */
export type CaptureLayer = 'fetch' | 'channels' | 'http';

/** How HTTP is captured in the whole process. */
export interface FetchCaptureOptions extends LedgerOptions {
  readonly recorder: Recorder;
  /** Hosts to record besides the known providers; `*` stands for any label text, `host:port` is understood. */
  readonly hosts?: readonly string[];
  /** A comma list of further hosts. Default the variable `TACHOGRAPH_HOSTS`. */
  readonly hostList?: string;
  /**
   * Which layers to use, all when left out: `fetch` itself, undici's channels for clients that bypass it, and the
   * channels of node:http and node:https.
   */
  readonly layers?: readonly CaptureLayer[];
}

/** Captures the model calls that the process makes over HTTP. */
export interface FetchCapture {
  /** Starts; the function given back stops, ends what is open and closes the runs of conversations. */
  install(): () => void;
}

/** Puts a recording fetch in the place of the process's own. Taken out again only while nobody has wrapped it since. */
function replaceFetch(wrap: (inner: () => Fetch) => Fetch): () => void {
  const original = globalThis.fetch;
  if (typeof original !== 'function') return () => undefined;
  let isOn = true;
  const wrapped = wrap(() => original);
  const replacement = function fetch(input: Parameters<Fetch>[0], init?: RequestInit): Promise<Response> {
    return isOn ? wrapped(input, init) : original(input, init);
  } as Fetch;
  globalThis.fetch = replacement;
  return () => {
    isOn = false;
    if (globalThis.fetch === replacement) globalThis.fetch = original;
  };
}

/** Recorders that the process's HTTP goes to. */
const installed = new WeakSet<Recorder>();

/**
 * A capture of HTTP for a recorder. Requests of the process's `fetch` are recorded around the call: the request is
 * known before it leaves and bodies are already decoded. Requests of other undici clients are recorded from the
 * diagnostics channels. A request that both layers see is recorded once, and so is one under a second capture of the same
 * recorder, which does nothing.
 */
export function createFetchCapture(options: FetchCaptureOptions): FetchCapture {
  const { recorder } = options;
  let stop: (() => void) | null = null;
  return {
    install() {
      if (stop !== null) return stop;
      // Whoever came first sees all there is to see.
      if (!recorder.recording || installed.has(recorder)) return () => undefined;
      installed.add(recorder);
      const ledger = ledgerOf(recorder, options);
      const isListed = createHostMatcher(toHosts(options.hosts, options.hostList ?? process.env['TACHOGRAPH_HOSTS']));
      const layers = options.layers ?? ['fetch', 'channels', 'http'];
      const undo: (() => void)[] = [];
      if (layers.includes('fetch'))
        undo.push(replaceFetch((inner) => wrapFetch(ledger, inner, { isListed, isEverything: false })));
      if (layers.includes('channels')) undo.push(subscribeChannels({ ledger, isListed }));
      if (layers.includes('http')) undo.push(subscribeHttpChannels({ ledger, isListed }));
      stop = () => {
        stop = null;
        installed.delete(recorder);
        for (const one of undo) one();
        ledger.closeAll();
      };
      return stop;
    },
  };
}
