import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { toPlural } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import { runColumns, runToRow } from '../print/run-row.ts';
import { toTable } from '../print/table.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';
import type { FilterFlags } from './filter-options.ts';
import { addFilters, flagsToFilter } from './filter-options.ts';

interface LsFlags extends FilterFlags {
  readonly limit?: string;
  readonly offset?: string;
  readonly cursor?: string;
  readonly count?: boolean;
  readonly watch?: boolean;
}

function parseWhole(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new TachographError('bad-argument', `${flag} ${JSON.stringify(text)} is no whole number.`);
}

async function list(
  opened: OpenedHome,
  flags: LsFlags & { json?: boolean },
  { terminal }: CommandPlace,
): Promise<void> {
  const filter = flagsToFilter(flags, Date.now());
  const limit = parseWhole(flags.limit, '--limit');
  const offset = parseWhole(flags.offset, '--offset');
  const page = await opened.store.listRuns(opened.projectId, filter, {
    ...(limit === undefined ? {} : { limit }),
    ...(offset === undefined ? {} : { offset }),
    ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
  });
  const total = flags.count === true ? await opened.store.countRuns(opened.projectId, filter) : null;
  if (flags.json === true) {
    printJson(terminal, { ...page, total });
    return;
  }
  if (page.limitCorrected) terminal.note(`--limit must be 1 to 500; showing ${page.limit}.`);
  if (page.items.length === 0) terminal.note('No runs. Record one: tachograph run -- node agent.mjs');
  else {
    const words = Math.max(20, terminal.width - 110);
    for (const line of toTable(
      runColumns,
      page.items.map((run) => runToRow(run, terminal.paint, words)),
    ))
      terminal.print(line);
  }
  if (total !== null) terminal.note(`${toPlural(total, 'run')} in all.`);
  if (page.nextCursor !== null) terminal.note(`More: --cursor ${page.nextCursor}`);
}

async function watch(opened: OpenedHome, flags: LsFlags & { json?: boolean }, place: CommandPlace): Promise<void> {
  let seen = -1;
  for (;;) {
    await opened.indexer.catchUp();
    const count = await opened.store.changeCount();
    if (count !== seen) {
      seen = count;
      if (place.terminal.isInteractive) place.terminal.print('\u001b[2J\u001b[H');
      await list(opened, flags, place);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** `tachograph ls`: the newest runs. */
export function addLs(program: Command, place: CommandPlace): void {
  const command = program
    .command('ls')
    .description('List runs, newest first.')
    .option('--limit <n>', 'runs to show, 1 to 500', '50')
    .option('--offset <n>', 'runs to leave out first')
    .option('--cursor <cursor>', 'go on after an earlier page')
    .option('--count', 'say how many there are in all')
    .option('--watch', 'show again whenever something changes');
  addFilters(command)
    .addHelpText('after', examples('tachograph ls --since 2h --status failed', 'tachograph ls --agent planner --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<LsFlags>(self);
      flagsToFilter(flags, 0);
      await withHome(flags, (opened) =>
        flags.watch === true ? watch(opened, flags, place) : list(opened, flags, place),
      );
    });
}
