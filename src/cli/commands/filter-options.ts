import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { endReasons, runStatuses } from '../../core/model/run.ts';
import type { RunFilter } from '../../core/store.ts';

/** Filter flags as commander hands them over. */
export interface FilterFlags {
  readonly status?: string;
  readonly endReason?: string;
  readonly agent?: string;
  readonly caller?: string;
  readonly channel?: string;
  readonly session?: string;
  readonly model?: string;
  readonly kind?: string;
  readonly label?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly text?: string;
  readonly nested?: boolean;
  readonly dryRuns?: boolean;
  readonly errors?: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the filter flags to a command. */
export function addFilters(command: Command): Command {
  return command
    .option('--status <list>', `statuses, comma-separated: ${runStatuses.join(', ')}`)
    .option('--end-reason <list>', `end reasons, comma-separated: ${endReasons.join(', ')}`)
    .option('--agent <id>', 'runs of this agent')
    .option('--caller <id>', 'runs of this caller')
    .option('--channel <id>', 'runs of this channel')
    .option('--session <id>', 'runs of this session')
    .option('--model <name>', 'runs served by this model')
    .option('--kind <kind>', 'runs of this kind')
    .option('--label <key=value>', 'runs with this label; may be given several times', collect)
    .option('--since <time>', 'started at or after: 2h, 3d or a date')
    .option('--until <time>', 'started before: 2h, 3d or a date')
    .option('--text <words>', 'runs in which these words occur')
    .option('--errors', 'only runs with a step that ended in error')
    .option('--nested', 'child runs too')
    .option('--dry-runs', 'dry runs too');
}

function parseList<T extends string>(
  text: string | undefined,
  allowed: readonly T[],
  flag: string,
): readonly T[] | undefined {
  if (text === undefined) return undefined;
  const items = text.split(',').map((item) => item.trim());
  for (const item of items) {
    if (!(allowed as readonly string[]).includes(item)) {
      throw new TachographError(
        'bad-filter',
        `${flag} ${JSON.stringify(item)} is not known; use one of ${allowed.join(', ')}.`,
      );
    }
  }
  return items as unknown as readonly T[];
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of an age such as `90s`, `2h` or `30d`, or `null` when it is none. */
export function parseAge(text: string): number | null {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  return match === null ? null : Number(match[1]) * unitMs[match[2]!]!;
}

/** A moment: an age before `nowMs`, or a date. */
export function parseMoment(text: string, nowMs: number, flag: string): number {
  const age = parseAge(text);
  if (age !== null) return nowMs - age;
  const date = Date.parse(text);
  if (!Number.isNaN(date)) return date;
  throw new TachographError(
    'bad-filter',
    `${flag} ${JSON.stringify(text)} is no time; use an age such as 2h or 3d, or a date such as 2026-11-21T06:00Z.`,
  );
}

/** A length of time such as 90d, 12h or 5m, in milliseconds. `bad-argument` for anything else. */
export function parseSpan(text: string, flag: string): number {
  const span = parseAge(text);
  if (span !== null) return span;
  throw new TachographError(
    'bad-argument',
    `${flag} ${JSON.stringify(text)} is no length of time; use one such as 90d, 12h or 5m.`,
  );
}

function parseLabels(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  if (pairs === undefined) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1)
        throw new TachographError(
          'bad-filter',
          `--label ${JSON.stringify(pair)} has no value; write --label key=value.`,
        );
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

const dropUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;

/** The filter that flags describe. `bad-filter` names the flag and what it takes. */
export function flagsToFilter(flags: FilterFlags, nowMs: number): RunFilter {
  return dropUndefined({
    status: parseList(flags.status, runStatuses, '--status'),
    endReason: parseList(flags.endReason, endReasons, '--end-reason'),
    agentId: flags.agent,
    callerId: flags.caller,
    channelId: flags.channel,
    sessionId: flags.session,
    model: flags.model,
    kind: flags.kind,
    labels: parseLabels(flags.label),
    topLevelOnly: flags.nested === true ? undefined : true,
    includeDryRun: flags.dryRuns,
    hasError: flags.errors,
    sinceMs: flags.since === undefined ? undefined : parseMoment(flags.since, nowMs, '--since'),
    untilMs: flags.until === undefined ? undefined : parseMoment(flags.until, nowMs, '--until'),
    text: flags.text,
  }) as RunFilter;
}
