import type { Place } from './place.ts';
import { toRpcError } from './failure.ts';
import type { Answer, Request } from './vendor.ts';

// A connection that is in nobody's run begins one, and the run's agent is the server, whose name only the answer to the
// handshake tells. The handshake is therefore held until then and recorded with `observedAfter`. It is neither a model
// nor a tool call, so nothing leaves unrecorded that I3 asks for.

const openings = new Set(['initialize', 'server/discover']);

/** A handshake that waits for its answer. */
export interface Handshake {
  readonly request: Request;
  /** Records it at its place; `answer` is `null` for none, `error` what kept it from being sent. */
  record(place: Place, answer: Answer | null, error?: unknown): void;
}

/** True for a request that opens a connection and is answered with the server's name. */
export function isHandshake({ method }: Request): boolean {
  return openings.has(method);
}

/** Holds a handshake. */
export function holdHandshake(request: Request): Handshake {
  const sinceMs = performance.now();
  return {
    request,
    record({ run, above }, answer, error) {
      const step = run.step({
        kind: 'phase',
        name: request.method,
        request: request.params,
        observedAfter: true,
        ...(above === null ? {} : { parentStepId: above.id }),
      });
      const durationMs = Math.round(performance.now() - sinceMs);
      if (answer === null && error === undefined) step.finish({ status: 'interrupted', durationMs });
      else if (answer === null) step.finish({ status: 'error', error, durationMs });
      else if (answer.error !== null) step.finish({ status: 'error', error: toRpcError(answer.error), durationMs });
      else step.finish({ status: 'completed', result: answer.result, durationMs });
    },
  };
}
