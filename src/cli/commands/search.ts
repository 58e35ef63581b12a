import type { Command } from 'commander';
import { toPlural, toShortId, toTime } from '../print/figures.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';
import { toVisibleLine } from '../print/terminal.ts';

interface SearchFlags {
  readonly limit?: string;
  readonly order?: string;
  readonly run?: string;
}

/** `tachograph search`: full text over messages, outputs, tool arguments and results, and errors. */
export function addSearch(program: Command, place: CommandPlace): void {
  program
    .command('search')
    .description(
      'Search messages, outputs, tool arguments and results, and errors. A "phrase in quotes" is searched as one.',
    )
    .argument('<text>', 'words or a phrase')
    .option('--limit <n>', 'hits to show', '20')
    .option('--rank', 'best first instead of newest first')
    .option('--run <run>', 'only in this run')
    .addHelpText('after', examples('tachograph search "rate limit"', 'tachograph search refund --run last'))
    .action(async (text: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<SearchFlags & { rank?: boolean }>(self);
      const { terminal } = place;
      await withHome(flags, async (opened) => {
        const run = flags.run === undefined ? null : await opened.findRun(flags.run);
        const hits = await opened.store.search(opened.projectId, text, {
          limit: Number(flags.limit),
          order: flags.rank === true ? 'rank' : 'time',
          ...(run === null ? {} : { runId: run.id }),
        });
        if (flags.json === true) {
          printJson(terminal, { items: hits });
          return;
        }
        for (const hit of hits) {
          // The store marks a hit with two private-use characters; a terminal shows it bold.
          const snippet = toVisibleLine(hit.snippet, 160).replace(/\uE000([^\uE001]*)\uE001?/gu, (_all, word: string) =>
            terminal.paint.bold(word),
          );
          terminal.print(
            `${toShortId(hit.runId)}  ${toTime(hit.timeMs)}  ${terminal.paint.dim(hit.kind.padEnd(7))}  ${snippet}`,
          );
        }
        terminal.note(hits.length === 0 ? 'Nothing found.' : `${toPlural(hits.length, 'hit')}.`);
      });
    });
}
