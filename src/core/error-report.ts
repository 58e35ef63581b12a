import type { Clock } from './clock.ts';

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
