import type { EndReason } from '../../core/model/run.ts';
import { errorToEndReason, isAbort } from '../../core/record/failure.ts';
import type { RunClose, StepFinish } from '../../core/record/recording.ts';
import type { MastraSpan } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** How the run around a call came out, for calls and tools of which Mastra tells no end of their own. */
export type Outcome =
  | { readonly kind: 'ended' | 'aborted' | 'suspended' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What a span failed with, as an error again; `null` when it did not. Mastra hands on words only. */
export function spanToFailure(span: MastraSpan): Error | null {
  const info = toFields(span.errorInfo);
  if (info === null) return null;
  const error = new Error(toText(info['message']) ?? 'an error without words');
  error.name = toText(info['name']) ?? 'Error';
  const code = toText(info['id']);
  return code === undefined ? error : Object.assign(error, { code });
}

/** A guardrail of the user's stopped the run; `null` when none did. */
export function spanToTripwire(span: MastraSpan): object | null {
  const said = toFields(span.attributes)?.['tripwireAbort'] ?? toFields(span.output)?.['tripwire'];
  return toFields(said);
}

/** The word in which an agent's output, or a workflow's attributes, tell how it came out. */
function statusOf(span: MastraSpan): string | undefined {
  return toText(toFields(span.attributes)?.['status']) ?? toText(toFields(span.output)?.['status']);
}

const waiting = new Set(['suspended', 'paused', 'waiting']);

/** How a run's span came out. */
export function spanToOutcome(span: MastraSpan): Outcome {
  const error = spanToFailure(span);
  if (error !== null) return { kind: 'failed', error };
  const status = statusOf(span) ?? '';
  if (waiting.has(status)) return { kind: 'suspended' };
  return { kind: ['aborted', 'canceled', 'cancelled'].includes(status) ? 'aborted' : 'ended' };
}

function toEndReason(span: MastraSpan, outcome: Outcome): EndReason {
  if (spanToTripwire(span) !== null) return 'rejected';
  if (outcome.kind === 'failed') return errorToEndReason(outcome.error);
  if (outcome.kind === 'aborted') return 'cancelled';
  return statusOf(span) === 'failed' ? 'error' : 'ok';
}

/**
 * How a run ends with its span. One that waits for a person has done its part: its output says `suspended`, and what
 * resumes it is a run of its own.
 */
export function spanToClose(span: MastraSpan, isWithheld: boolean): RunClose {
  const outcome = spanToOutcome(span);
  const output = span.output ?? (outcome.kind === 'suspended' ? { status: 'suspended' } : undefined);
  return {
    endReason: toEndReason(span, outcome),
    ...(output === undefined || isWithheld ? {} : { output }),
    ...(outcome.kind === 'failed' ? { error: outcome.error } : {}),
  };
}

/** How a tool call ends with its span; `null` when the span does not say, as when it waits for a person. */
export function spanToToolFinish(span: MastraSpan, isWithheld: boolean): StepFinish | null {
  const attributes = toFields(span.attributes) ?? {};
  const result = span.output === undefined || isWithheld ? {} : { result: span.output };
  const withheld = isWithheld ? { outputsWithheld: true } : {};
  const error = spanToFailure(span);
  if (error !== null) {
    const status = isAbort(error) ? 'interrupted' : 'error';
    return { status, error, resultStatus: 'error', ...result, ...withheld };
  }
  // Its arguments are all that is known here: it runs in the client.
  if (span.type === 'client_tool_call') return { status: 'completed', resultStatus: 'skipped', ...result, ...withheld };
  if (attributes['success'] === false) {
    const message = toText(toFields(span.output)?.['message']) ?? 'the tool reported a failure';
    return { status: 'error', error: new Error(message), resultStatus: 'error', ...result, ...withheld };
  }
  if (attributes['success'] !== true && span.output === undefined) return null;
  return { status: 'completed', resultStatus: 'success', ...result, ...withheld };
}

/** How a tool call ends of which its span did not say it, by how the run came out. */
export function outcomeToToolFinish(outcome: Outcome): StepFinish {
  if (outcome.kind === 'suspended') return { status: 'interrupted', metadata: { suspended: true } };
  return { status: 'interrupted', ...(outcome.kind === 'failed' ? { error: outcome.error } : {}) };
}

/** How a phase ends with its span. */
export function spanToPhaseFinish(span: MastraSpan, isWithheld: boolean): StepFinish {
  const outcome = spanToOutcome(span);
  const tripwire = spanToTripwire(span);
  const metadata = { ...toFields(span.attributes) };
  const rest = {
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(span.output === undefined || isWithheld ? {} : { result: span.output }),
    ...(isWithheld ? { outputsWithheld: true } : {}),
  };
  // A guardrail that stops a run has done its work.
  if (tripwire !== null || outcome.kind === 'ended') return { status: 'completed', ...rest };
  if (outcome.kind !== 'failed') return { status: 'interrupted', ...rest };
  return { status: isAbort(outcome.error) ? 'interrupted' : 'error', error: outcome.error, ...rest };
}
