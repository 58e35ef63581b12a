import type { Recorder } from '../../core/record/recording.ts';
import type { ClientName } from './exchange-request.ts';
import type { LedgerOptions } from './ledger.ts';
import { ledgerOf } from './ledger.ts';
import type { Call, Fetch } from './recording-fetch.ts';
import { recordCall, toRequest, wrapFetch } from './recording-fetch.ts';

/** What may be set of the recording of one provider's client. */
export interface ClientOptions extends LedgerOptions {
  /** Agent of the runs that calls begin which no run claims. Default the client's name. */
  readonly agentId?: string;
}

/** The hooks of one provider's client: every HTTP try of a model call is an attempt of its call's step. */
export interface ClientCalls {
  /** A fetch that behaves as the one given, the process's own when left out. */
  fetch(inner?: Fetch): Fetch;
  /**
   * Records one try. `callIdentity` is what the client holds through all tries of a call. Never changes what is sent,
   * answered or thrown.
   */
  record(
    request: { readonly url: string; readonly init: RequestInit },
    callIdentity: object,
    send: Call,
  ): Promise<Response>;
}

/** The hooks for a client of this name. Only model calls are recorded: files, lists and the like pass by. */
export function createClientCalls(
  recorder: Recorder,
  client: Pick<ClientName, 'capture' | 'provider'>,
  options: ClientOptions = {},
): ClientCalls {
  const ledger = ledgerOf(recorder, options);
  const name: ClientName = { ...client, agentId: options.agentId ?? client.capture };
  const rule = { isListed: () => true, isEverything: false, client: name };
  return {
    fetch: (inner) =>
      recorder.recording ? wrapFetch(ledger, () => inner ?? globalThis.fetch, rule) : (inner ?? globalThis.fetch),
    record({ url, init }, callIdentity, send) {
      const seen = recorder.recording ? (ledger.guard(() => toRequest(url, init)) ?? null) : null;
      if (seen === null) return send(null);
      return recordCall(ledger, { request: { ...seen, client: name, call: callIdentity }, rule }, send);
    },
  };
}
