import type { Command } from 'commander';
import { isTerminal, runStatuses } from '../../../core/model/run.ts';
import type { WorkCount, WorkerRow, WorkRow } from '../../../core/work/work.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson } from '../../commands/command.ts';
import { toDuration, toShortId, toTime } from '../../print/figures.ts';
import { toTable } from '../../print/table.ts';
import type { Terminal } from '../../print/terminal.ts';
import { toVisible } from '../../print/terminal.ts';
import type { WorkHome } from '../with-work.ts';
import { parseWhole, withWork } from '../with-work.ts';

interface QueueFlags extends GlobalOptions {
  readonly agent?: string;
  readonly limit?: string;
}

const open = runStatuses.filter((state) => !isTerminal(state));
const headings = (...names: readonly string[]): { heading: string }[] => names.map((heading) => ({ heading }));
const limits = { min: 1, max: 500 };

function countToRow({ agentId, state, count, oldestQueueAtMs }: WorkCount, nowMs: number): string[] {
  const waits = oldestQueueAtMs === null ? '' : toDuration(Math.max(0, nowMs - oldestQueueAtMs));
  return [toVisible(agentId), state, String(count), waits];
}

function workerToRow(worker: WorkerRow, leases: number, nowMs: number): string[] {
  const seen = `${toDuration(Math.max(0, nowMs - worker.seenAtMs))} ago${worker.isStopping ? ', stopping' : ''}`;
  const place = `${toVisible(worker.host)} ${worker.pid}`;
  return [
    toVisible(worker.workerId),
    place,
    `${leases}/${worker.concurrency}`,
    seen,
    worker.agentIds.map(toVisible).join(' '),
  ];
}

/** How long a lease still holds, or how long a run waits. */
function standing(row: WorkRow, nowMs: number): string {
  if (row.leaseExpiresAtMs !== null) {
    const left = row.leaseExpiresAtMs - nowMs;
    return left > 0 ? `leased for ${toDuration(left)}` : `lease ran out ${toDuration(-left)} ago`;
  }
  if (row.waitingFor !== null) return `waits for signal ${toVisible(row.waitingFor)}`;
  if (row.queueAtMs === null) return '';
  const waits = nowMs - row.queueAtMs;
  return waits >= 0 ? `waits for ${toDuration(waits)}` : `not before ${toDuration(-waits)} from now`;
}

function rowToCells(row: WorkRow, nowMs: number): string[] {
  return [
    toShortId(row.runId),
    toVisible(row.agentId),
    row.state,
    `${row.attempts}/${row.attemptsMax}`,
    row.workerId === null ? '' : toVisible(row.workerId),
    standing(row, nowMs),
  ];
}

function printQueue(
  terminal: Terminal,
  {
    counts,
    workers,
    rows,
    nowMs,
  }: { counts: readonly WorkCount[]; workers: readonly WorkerRow[]; rows: readonly WorkRow[]; nowMs: number },
): void {
  const waiting = counts.filter(({ state }) => !isTerminal(state));
  if (waiting.length === 0) terminal.print('No run waits or is under way.');
  else
    terminal.print(
      toTable(
        headings('AGENT', 'STATE', 'RUNS', 'WAITS'),
        waiting.map((each) => countToRow(each, nowMs)),
      ).join('\n'),
    );
  if (workers.length === 0) terminal.print('\nNo worker. Start one: tachograph worker <module>');
  else {
    const leasesOf = ({ workerId }: WorkerRow): number => rows.filter((row) => row.workerId === workerId).length;
    const cells = workers.map((worker) => workerToRow(worker, leasesOf(worker), nowMs));
    terminal.print(`\n${toTable(headings('WORKER', 'PROCESS', 'RUNS', 'SEEN', 'AGENTS'), cells).join('\n')}`);
  }
  if (rows.length > 0) {
    const cells = rows.map((row) => rowToCells(row, nowMs));
    terminal.print(`\n${toTable(headings('RUN', 'AGENT', 'STATE', 'TRIES', 'WORKER', 'STANDS'), cells).join('\n')}`);
  }
}

async function showQueue({ work, projectId }: WorkHome, flags: QueueFlags, terminal: Terminal): Promise<void> {
  const limit = parseWhole(flags.limit, '--limit', limits) ?? 50;
  const ofAgent = <T extends { readonly agentId: string }>(each: T): boolean =>
    flags.agent === undefined || each.agentId === flags.agent;
  const counts = (await work.counts(projectId)).filter(ofAgent);
  const workers = (await work.listWorkers(projectId)).toSorted((a, b) => b.seenAtMs - a.seenAtMs);
  const filter = { states: open, ...(flags.agent === undefined ? {} : { agentId: flags.agent }) };
  const { items, nextCursor } = await work.list(projectId, filter, { limit });
  const nowMs = await work.nowMs();
  if (flags.json === true) printJson(terminal, { counts, workers, runs: items, nextCursor, nowMs });
  else printQueue(terminal, { counts, workers, rows: items, nowMs });
}

/** `tachograph work`: the queue by state, workers, open runs. */
export function addWork(program: Command, place: CommandPlace): void {
  program
    .command('work')
    .description('Show what waits and what is under way: runs by agent and state, workers, leases.')
    .option('--agent <id>', 'runs of this agent')
    .option('--limit <n>', 'open runs to show, 1 to 500', '50')
    .addHelpText('after', examples('tachograph work', 'tachograph work --agent mailer --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<QueueFlags>(self);
      await withWork(flags, (home) => showQueue(home, flags, place.terminal));
    });
}

function deadToCells(row: WorkRow): string[] {
  const ended = row.finishedAtMs === null ? '' : toTime(row.finishedAtMs);
  const code = row.errorCode ?? row.endReason ?? '';
  return [
    row.runId,
    toVisible(row.agentId),
    ended,
    `${row.attempts}/${row.attemptsMax}`,
    code,
    row.isRedrivable ? 'yes' : 'no',
  ];
}

/** `tachograph dead`: runs that failed with no attempt left. */
export function addDead(program: Command, place: CommandPlace): void {
  program
    .command('dead')
    .description('List runs that failed with no attempt left, newest first. Those kept for it can be driven again.')
    .option('--agent <id>', 'runs of this agent')
    .option('--limit <n>', 'runs to show, 1 to 500', '50')
    .addHelpText('after', examples('tachograph dead', 'tachograph dead --agent mailer --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<QueueFlags>(self);
      const limit = parseWhole(flags.limit, '--limit', limits) ?? 50;
      const { terminal } = place;
      await withWork(flags, async ({ work, projectId }) => {
        const filter = { isDead: true, ...(flags.agent === undefined ? {} : { agentId: flags.agent }) };
        const { items, nextCursor } = await work.list(projectId, filter, { limit });
        if (flags.json === true) printJson(terminal, { runs: items, nextCursor });
        else if (items.length === 0) terminal.note('No run is dead.');
        else
          terminal.print(
            toTable(headings('RUN', 'AGENT', 'ENDED (UTC)', 'TRIES', 'WHY', 'REDRIVABLE'), items.map(deadToCells)).join(
              '\n',
            ),
          );
      });
    });
}
