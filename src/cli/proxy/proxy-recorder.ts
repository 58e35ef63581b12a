import process from 'node:process';
import type { RecordingProxy, Upstream } from '../../capture/proxy/index.ts';
import { createRecordingProxy, parseUpstream } from '../../capture/proxy/index.ts';
import type { RunStart } from '../../core/record/recording.ts';
import { openRecorder } from '../../journal/index.ts';
import type { OpenedHome } from '../open.ts';

/** Upstreams that were named: by `--proxy-upstream`, after those of TACHOGRAPH_PROXY_UPSTREAMS. Throws `bad-argument`. */
export function readUpstreams(flags: readonly string[] | undefined): readonly Upstream[] {
  const listed = (process.env['TACHOGRAPH_PROXY_UPSTREAMS'] ?? '').split(',').map((text) => text.trim());
  return [...listed.filter((text) => text !== ''), ...(flags ?? [])].map(parseUpstream);
}

/** What the runs of a proxy carry. */
export interface ProxyRecords {
  readonly upstreams: readonly Upstream[];
  readonly defaults?: Pick<RunStart, 'sessionId'>;
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly durability?: 'process' | 'power';
  readonly onError: (error: unknown) => void;
}

/** A proxy with the recorder it records by. */
export interface HomeProxy {
  readonly handle: RecordingProxy['handle'];
  /** Ends what is open and closes the recorder: all of it is in the journal then. */
  close(): Promise<void>;
}

/** A recording proxy on a journal of its own in an opened home. */
export function createHomeProxy({ home, projectId }: OpenedHome, records: ProxyRecords): HomeProxy {
  const { upstreams, onError, ...rest } = records;
  const recorder = openRecorder({ home, projectId, onError, ...rest });
  const proxy = createRecordingProxy({ recorder, upstreams, onError });
  return {
    handle: proxy.handle,
    async close() {
      proxy.close();
      await recorder.close();
    },
  };
}
