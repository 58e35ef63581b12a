import type { RunView } from '../api/wire.ts';

/** The statuses of a run in the order in which it goes through them. */
export const runStatuses = [
  'pending',
  'running',
  'waiting_tool',
  'waiting_approval',
  'completed',
  'failed',
  'cancelled',
  'timeout',
] as const satisfies readonly RunView['status'][];

/** The state of the list as its address shows it. Every field is text; absent means not set. */
export interface RunSearch {
  /** Comma-separated statuses. */
  readonly status?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly caller?: string;
  readonly session?: string;
  /** `key=value`, comma-separated. */
  readonly label?: string;
  /** `1h`, `24h`, `7d` before now, or an ISO time. */
  readonly since?: string;
  readonly until?: string;
  readonly error?: '1';
  readonly nested?: '1';
  readonly dry?: '1';
  /** Full text. */
  readonly q?: string;
}

const textFields = ['status', 'agent', 'model', 'caller', 'session', 'label', 'since', 'until', 'q'] as const;
const flagFields = ['error', 'nested', 'dry'] as const;

/** Reads the list's state from an address; unknown fields and empty values are left out. */
export function parseRunSearch(raw: Readonly<Record<string, unknown>>): RunSearch {
  const search: Record<string, string> = {};
  for (const field of textFields) {
    const value = raw[field];
    if (typeof value === 'string' && value.trim() !== '') search[field] = value.trim();
  }
  for (const field of flagFields) if (raw[field] === '1') search[field] = '1';
  return search as RunSearch;
}

/** `search` with `change` applied; an empty value takes its field away. */
export function changeRunSearch(search: RunSearch, change: { readonly [K in keyof RunSearch]?: string }): RunSearch {
  return parseRunSearch({ ...search, ...change });
}

/** True when the list is narrowed by anything but the toggles that widen it. */
export function isNarrowed(search: RunSearch): boolean {
  const { nested: _nested, dry: _dry, ...rest } = search;
  return Object.keys(rest).length > 0;
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Unix milliseconds of `24h` before `nowMs`, or of an ISO time; `null` when it is neither. */
export function parseMoment(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const relative = /^(\d{1,5})([mhd])$/.exec(text);
  if (relative) return nowMs - Number(relative[1]) * unitMs[relative[2]!]!;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** Labels of a filter as pairs; entries without a key are left out. */
export function parseLabels(text: string | undefined): readonly (readonly [string, string])[] {
  return (text ?? '')
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair.indexOf('=') > 0)
    .map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()] as const);
}
