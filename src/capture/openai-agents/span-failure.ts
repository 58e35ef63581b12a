import type { RunClose, StepFinish } from '../../core/record/recording.ts';
import { isCalledOff, thrownToEndReason } from '../spans/abort.ts';
import type { SpanError } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** `MaxTurnsExceededError: Max turns (1) exceeded`: how the SDK writes an error down. */
const written = /^(\w*(?:Error|Exception|Exceeded|Triggered)): (.*)$/s;

/** The error that a span tells of, with the name and words of the one that was thrown, where it has them. */
export function spanErrorToError({ message, data }: SpanError): Error {
  const told = toText(data?.['error']) ?? toText(toFields(data?.['error'])?.['message']);
  const [, name, words] = written.exec(told ?? '') ?? [];
  const error = new Error(words ?? told ?? message);
  error.name = name ?? 'Error';
  const rest = Object.entries(data ?? {}).filter(([key]) => key !== 'error');
  const cause = told === null && rest.length > 0 ? { cause: new Error(JSON.stringify(Object.fromEntries(rest))) } : {};
  if (told !== null && message !== error.message) return Object.assign(error, { cause: new Error(message) });
  return Object.assign(error, cause);
}

/** How a step ends by what its span says. */
export function toEnding(error: SpanError | null): Pick<StepFinish, 'status' | 'error'> {
  if (error === null) return { status: 'completed' };
  const thrown = spanErrorToError(error);
  return { status: isCalledOff(thrown) ? 'interrupted' : 'error', error: thrown };
}

/** How a run ends by what its span says. */
export function toClose(error: SpanError | null): RunClose {
  if (error === null) return { endReason: 'ok' };
  const thrown = spanErrorToError(error);
  return { endReason: thrownToEndReason(thrown), error: thrown };
}
