import type { JsonChange } from '../core/difference/json-changes.ts';
import { cutAround } from '../core/difference/json-changes.ts';
import { TachographError } from '../core/error.ts';

/** Where a replay left its recording. */
export interface Divergence {
  readonly runId: string;
  /** The recorded step that was to come; `null` when none was left. */
  readonly stepNumber: number | null;
  /** What differs, in a sentence: `message 2 (user) differs`. */
  readonly summary: string;
  readonly changes: readonly JsonChange[];
}

const valueCharsMax = 400;
const changesShown = 8;

const indent = (text: string | null): string => (text === null ? '(nothing)' : text.replaceAll('\n', '\n        '));

/** A divergence for people: the step, what differs, and each place before and after. */
export function divergenceToText({ runId, stepNumber, summary, changes }: Divergence): string {
  const place = stepNumber === null ? 'after its last step' : `at step ${stepNumber}`;
  const lines = [`The replay of run ${runId} diverged ${place}: ${summary}.`];
  for (const { path, before, after } of changes.slice(0, changesShown)) {
    const cut = before === null || after === null ? { before, after } : cutAround(before, after, valueCharsMax);
    lines.push(`  at ${path === '' ? 'the value itself' : path}`);
    lines.push(`      - ${indent(cut.before?.slice(0, valueCharsMax + 2) ?? null)}`);
    lines.push(`      + ${indent(cut.after?.slice(0, valueCharsMax + 2) ?? null)}`);
  }
  if (changes.length > changesShown) lines.push(`  and ${changes.length - changesShown} more places`);
  return lines.join('\n');
}

/** The error that a divergence is thrown as. */
export function divergenceToError(divergence: Divergence): TachographError {
  return new TachographError('replay-diverged', divergenceToText(divergence));
}

/** A recorded answer that cannot be given again, as it was not recorded word for word. */
export interface Gap {
  readonly runId: string;
  readonly stepNumber: number;
  /** As `answer`, `answer[0].text`, `result`, `response body`. */
  readonly field: string;
  readonly why: string;
}

/** The error for a gap that no stand-in fills. */
export function gapToError({ runId, stepNumber, field, why }: Gap): TachographError {
  return new TachographError(
    'replay-not-recorded',
    `Step ${stepNumber} of run ${runId} cannot be replayed: its ${field} ${why}. Give a stand-in for it.`,
  );
}

const marks: readonly (readonly [RegExp, string])[] = [
  [/\[REDACTED:[a-z0-9-]{1,40}:[0-9a-f]{8}\]/, 'was redacted'],
  [/\[WITHHELD:[a-z-]{1,40}:\d{1,16}\]/, 'was withheld'],
];

/** The first place of a JSON value that is not what was said: redacted, withheld, or only a file's digest. */
export function findGap(value: unknown, path: string): { readonly field: string; readonly why: string } | null {
  if (typeof value === 'string') {
    const mark = marks.find(([pattern]) => pattern.test(value));
    return mark === undefined ? null : { field: path, why: mark[1] };
  }
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields['type'] === 'tachograph-file' && typeof fields['digest'] === 'string')
    return { field: path, why: 'is a file of which only the digest was recorded' };
  for (const [key, item] of Object.entries(fields)) {
    const found = findGap(item, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}
