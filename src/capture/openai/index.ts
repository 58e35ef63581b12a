import type { Recorder } from '../../core/record/recording.ts';
import type { ClientOptions } from '../fetch/client-calls.ts';
import { createClientCalls } from '../fetch/client-calls.ts';
import type { Fetch } from '../fetch/recording-fetch.ts';

export { ledgerOf } from '../fetch/ledger.ts';

/** What may be set of the recording of an OpenAI client. */
export interface OpenAIFetchOptions extends ClientOptions {
  /** The fetch to send with; the process's own when left out. */
  readonly fetch?: Fetch;
}

/**
 * The `fetch` option for a client of the package `openai`: `new OpenAI({ fetch: openaiFetch(recorder) })`. Each HTTP
 * try is one attempt, all tries of a call are attempts of one step. A call outside any run begins a run, or goes on in
 * the run of the conversation that it extends. Never changes what is sent, answered or thrown.
 * Runs that calls have begun stay open for what goes on from them, and end when the recorder is closed.
 */
export function openaiFetch(recorder: Recorder, options: OpenAIFetchOptions = {}): Fetch {
  return createClientCalls(recorder, { capture: 'openai', provider: 'openai' }, options).fetch(options.fetch);
}
