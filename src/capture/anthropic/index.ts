import type { Recorder } from '../../core/record/recording.ts';
import { signalWithPass } from '../../core/work/gate.ts';
import type { ClientOptions } from '../fetch/client-calls.ts';
import { createClientCalls } from '../fetch/client-calls.ts';

export { ledgerOf } from '../fetch/ledger.ts';

/** What may be set of the recording of an Anthropic client. */
export type AnthropicMiddlewareOptions = ClientOptions;

/** A request as the client hands it to its middleware. */
export interface AnthropicRequest extends RequestInit {
  readonly url: string;
}

/** A middleware of the package `@anthropic-ai/sdk`, in its own words and without its types. */
export type AnthropicMiddleware = <R extends AnthropicRequest>(
  request: R,
  next: (request: R) => Promise<Response>,
  context: { readonly options?: object | undefined },
) => Promise<Response>;

/**
 * The middleware for a client of the package `@anthropic-ai/sdk`:
 * `new Anthropic({ middleware: [anthropicMiddleware(recorder)] })`. The client calls it once per HTTP try; all tries of a
 * call, which share one options object, are attempts of one step. Put it last: then it also sees the tries that other
 * middleware makes. Exchanges of credentials pass by. Never changes what is sent, answered or thrown.
 * Runs that calls have begun stay open for what goes on from them, and end when the recorder is closed.
 */
export function anthropicMiddleware(recorder: Recorder, options: AnthropicMiddlewareOptions = {}): AnthropicMiddleware {
  const calls = createClientCalls(recorder, { capture: 'anthropic', provider: 'anthropic' }, options);
  return (request, next, { options: call }) => {
    if (call === undefined) return next(request);
    return calls.record({ url: request.url, init: request }, call, (signal) =>
      next(signal === null ? request : { ...request, signal: signalWithPass(request.signal, signal) }),
    );
  };
}
