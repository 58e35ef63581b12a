import type { Usage } from '../api/wire.ts';

/** What stands for an unknown number (I12). */
export const notAvailable = 'n/a';

const two = (value: number): string => String(value).padStart(2, '0');

/** A duration for people: `<1 ms`, `340 ms`, `12.4 s`, `3 m 05 s`, `2 h 14 m`, `3 d 4 h`; negative ones read as 0. */
export function toDuration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return notAvailable;
  if (ms < 1) return ms <= 0 ? '0 ms' : '<1 ms';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** An offset on an axis, without needless digits: `250 ms`, `5 s`, `1.5 s`, `15 m`, `1 h 30 m`. */
export function toTickLabel(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${ms / 1000} s`;
  if (ms % 60_000 !== 0) return toDuration(ms);
  const minutes = ms / 60_000;
  if (minutes < 60) return `${minutes} m`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

/** A count for people: exact below 10,000, then `45.2k`, `1.20M`. */
export function toCount(value: number | null): string {
  if (value === null) return notAvailable;
  if (value < 10_000) return value.toLocaleString('en-US');
  if (value < 999_950) return `${(value / 1000).toFixed(1)}k`;
  return `${(value / 1_000_000).toFixed(2)}M`;
}

/** A count in full, with separators; `n/a` when unknown. */
export function toExactCount(value: number | null): string {
  return value === null ? notAvailable : value.toLocaleString('en-US');
}

/** A cost in dollars from nano-USD: `$0`, `$0.00042`, `$0.1234`, `$12.30`; `n/a` when unknown, never 0 for it. */
export function toCost(nanoUsd: number | null): string {
  if (nanoUsd === null) return notAvailable;
  const usd = nanoUsd / 1e9;
  if (usd === 0) return '$0';
  if (usd < 0.01) return `$${Number(usd.toPrecision(2)).toFixed(9).replace(/0+$/, '')}`;
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

/** Input and output tokens, `1,204 → 88`; `n/a` when neither was reported. */
export function toTokens(usage: Usage | null): string {
  if (usage === null || (usage.input.total === null && usage.output.total === null)) return notAvailable;
  return `${toCount(usage.input.total)} → ${toCount(usage.output.total)}`;
}

/** A size for people, in powers of 1024. */
export function toSize(bytes: number | null): string {
  if (bytes === null) return notAvailable;
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Local time of day with seconds. */
export function toClock(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Local date and time; today's date is left out. */
export function toMoment(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const today = new Date(nowMs);
  if (date.toDateString() === today.toDateString()) return toClock(ms);
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const year = date.getFullYear() === today.getFullYear() ? '' : `${date.getFullYear()}-`;
  return `${year}${day} ${toClock(ms)}`;
}

/** The exact moment for a tooltip: ISO 8601 in UTC with milliseconds. Out of range times come out as their number. */
export function toIso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** The first 13 characters of an id: enough to tell runs apart and to type at a terminal. */
export function toShortId(id: string): string {
  return id.slice(0, 13);
}

/** `1 step`, `3 steps`. */
export function toPlural(count: number, noun: string): string {
  return `${toExactCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
