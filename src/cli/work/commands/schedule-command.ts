import type { Command } from 'commander';
import { TachographError } from '../../../core/error.ts';
import type { Schedule } from '../../../core/work/schedule.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson } from '../../commands/command.ts';
import { toTime } from '../../print/figures.ts';
import { toTable } from '../../print/table.ts';
import { toVisible } from '../../print/terminal.ts';
import { parseJson, withWork } from '../with-work.ts';

interface PutFlags extends GlobalOptions {
  readonly cron: string;
  readonly timeZone?: string;
  readonly request?: string;
  readonly input?: string;
  readonly paused?: boolean;
}

const columns = ['SCHEDULE', 'AGENT', 'CRON', 'TIME ZONE', 'NEXT (UTC)', 'LAST (UTC)'].map((heading) => ({ heading }));

function scheduleToRow({ id, agentId, cron, timeZone, isPaused, nextAtMs, lastAtMs }: Schedule): string[] {
  const next = isPaused ? 'paused' : nextAtMs === null ? 'never' : toTime(nextAtMs);
  const last = lastAtMs === null ? '' : toTime(lastAtMs);
  return [toVisible(id), toVisible(agentId), toVisible(cron), timeZone, next, last];
}

const withoutSealed = ({ sealed: _sealed, ...schedule }: Schedule): Omit<Schedule, 'sealed'> => schedule;

function flagsToRequest(flags: PutFlags): Record<string, unknown> {
  const request = parseJson(flags.request, '--request') ?? {};
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    throw new TachographError('bad-argument', '--request must be a JSON object of what a run is created with.');
  const input = parseJson(flags.input, '--input');
  return { ...request, ...(input === undefined ? {} : { input }) };
}

function addPut(schedule: Command, place: CommandPlace): void {
  schedule
    .command('put <id> <agent>')
    .description('Create runs of an agent by themselves: one for each tick, however many processes are awake.')
    .requiredOption('--cron <rule>', 'five or six fields, or a name as @hourly')
    .option('--time-zone <name>', 'IANA name, such as Europe/Berlin (default: UTC)')
    .option('--input <json>', 'what each run is given: JSON, or @file')
    .option('--request <json>', 'what else each run is created with: a JSON object, or @file')
    .option('--paused', 'do not create any for now')
    .addHelpText(
      'after',
      examples(`tachograph schedule put nightly reporter --cron '0 3 * * *' --time-zone Europe/Berlin`),
    )
    .action(async (id: string, agentId: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<PutFlags>(self);
      const request = flagsToRequest(flags);
      const { cron, timeZone, paused = false } = flags;
      await withWork(flags, async ({ runs }) => {
        const made = await runs.putSchedule(id, {
          agentId,
          cron,
          isPaused: paused,
          request,
          ...(timeZone === undefined ? {} : { timeZone }),
        });
        if (flags.json === true) printJson(place.terminal, { schedule: withoutSealed(made) });
        else place.terminal.print(toTable(columns, [scheduleToRow(made)]).join('\n'));
      });
    });
}

function addList(schedule: Command, place: CommandPlace): void {
  schedule
    .command('ls')
    .description('List the schedules of the project with their next and last ticks.')
    .addHelpText('after', examples('tachograph schedule ls', 'tachograph schedule ls --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withWork(flags, async ({ work, projectId }) => {
        const schedules = await work.listSchedules(projectId);
        if (flags.json === true) printJson(place.terminal, { schedules: schedules.map(withoutSealed) });
        else if (schedules.length === 0) place.terminal.note('No schedule. Make one: tachograph schedule put --help');
        else place.terminal.print(toTable(columns, schedules.map(scheduleToRow)).join('\n'));
      });
    });
}

function addRemove(schedule: Command, place: CommandPlace): void {
  schedule
    .command('rm <id>')
    .description('Remove a schedule. Runs that it created stay.')
    .addHelpText('after', examples('tachograph schedule rm nightly'))
    .action(async (id: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withWork(flags, async ({ work, projectId }) => {
        if (!(await work.deleteSchedule(projectId, id)))
          throw new TachographError('schedule-not-found', `There is no schedule ${JSON.stringify(id)}.`);
        if (flags.json === true) printJson(place.terminal, { id, removed: true });
        else place.terminal.print(`Schedule ${toVisible(id)} is removed.`);
      });
    });
}

/** `tachograph schedule`: when runs are created by themselves. */
export function addSchedule(program: Command, place: CommandPlace): void {
  const schedule = program.command('schedule').description('Have runs created by themselves, by cron and time zone.');
  for (const add of [addPut, addList, addRemove]) add(schedule, place);
}
