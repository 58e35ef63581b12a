import type { HeaderValues } from '../../../core/model/retry.ts';

/** Which try of its call a request is, from 0, where its client says so; `null` where it does not. */
export function toTryCount(headers: HeaderValues): number | null {
  const told = headers['x-stainless-retry-count'];
  return told !== undefined && /^\d{1,4}$/.test(told) ? Number(told) : null;
}

/** The client's clock began before ours, and its timers may be early. */
const slackMs = 50;

/**
 * True when a request was given up by its client's own deadline and not by its caller: the client names the deadline in
 * whole seconds, and aborts when it has passed.
 */
export function isPastDeadline(headers: HeaderValues, elapsedMs: number): boolean {
  const seconds = Number(headers['x-stainless-timeout'] ?? Number.NaN);
  return seconds >= 1 && elapsedMs >= seconds * 1000 - slackMs;
}
