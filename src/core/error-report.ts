import type { Clock } from './clock.ts';
import { TachographError } from './error.ts';
import type { Redactor } from './redact/redactor.ts';

const quietMs = 60_000;
const kindsMax = 64;

/**
 * A reporter that passes on one error of a kind per minute, the kind being its code or name. Never throws (I1):
 * whatever the listener throws is dropped, since there is nobody left to tell.
 */
export function createErrorReporter(
  clock: Clock,
  onError: ((error: unknown) => void) | undefined,
): (error: unknown) => void {
  const lastByKind = new Map<string, number>();
  const tell = (error: unknown): void => {
    const fields = error as { code?: unknown; name?: unknown } | null | undefined;
    const kind = String(fields?.code ?? fields?.name ?? typeof error);
    const now = clock.monotonicMs();
    const last = lastByKind.get(kind);
    if (last !== undefined && now - last < quietMs) return;
    if (lastByKind.size >= kindsMax) lastByKind.clear();
    lastByKind.set(kind, now);
    onError?.(error);
  };
  return (error) => {
    if (onError === undefined) return;
    try {
      tell(error);
    } catch {
      // A listener that throws, or an error that cannot be asked what it is.
      lastByKind.set('untold', clock.monotonicMs());
    }
  };
}

const causesMax = 8;

/** Everything of an error that a log line may show: its words, its stack, its fields, and those of its causes. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  let at = error;
  for (let depth = 0; depth < causesMax && at !== undefined && at !== null; depth += 1) {
    if (typeof at !== 'object') {
      words.push(String(at));
      break;
    }
    const { message, stack, cause } = at as Partial<Error>;
    words.push(String(message), String(stack), ...Object.values(at).map((value) => tryJson(value)));
    at = cause;
  }
  return words.join('\n');
}

function tryJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // What cannot be written down is not printed in full either.
    return '';
  }
}

/**
 * An error as a listener may be told of it, who most likely logs it (I4): itself when there is no secret in it, else one
 * with its redacted words alone. A host's error is its own, and comes here when its getter or proxy threw it at us.
 */
export function errorToTold(error: unknown, redactor: Redactor): unknown {
  if (redactor.text(wordsOf(error)).counts === null) return error;
  const message = error instanceof Error ? error.message : tryJson(error);
  return new TachographError('internal', redactor.text(message).value);
}
