import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { toPlural, toTime } from '../print/figures.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';
import { parseMoment } from './filter-options.ts';

interface PurgeFlags {
  readonly olderThan: string;
  readonly dryRun?: boolean;
}

/** Runs per transaction: small enough that recording and reading go on between two. */
const chunkRuns = 100;

/** `tachograph purge`: drops old runs with all that is theirs. */
export function addPurge(program: Command, place: CommandPlace): void {
  program
    .command('purge')
    .description(
      'Drop runs that started before a moment, with all that is theirs. Running and pinned runs stay; seals stay.',
    )
    .requiredOption('--older-than <time>', 'an age such as 30d, or a date')
    .option('--dry-run', 'only say how many there are')
    .addHelpText(
      'after',
      examples('tachograph purge --older-than 30d', 'tachograph purge --older-than 2026-01-01 --dry-run'),
    )
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<PurgeFlags>(self);
      const { terminal } = place;
      const beforeMs = parseMoment(flags.olderThan, Date.now(), '--older-than');
      if (beforeMs > Date.now())
        throw new TachographError(
          'bad-argument',
          `--older-than ${flags.olderThan} lies in the future; give an age or a past date.`,
        );
      await withHome(flags, async (opened) => {
        if (flags.dryRun === true) {
          const runs = await opened.store.countRuns(opened.projectId, { includeDryRun: true, untilMs: beforeMs });
          if (flags.json === true) printJson(terminal, { runs, purged: 0, beforeMs });
          else terminal.print(`${toPlural(runs, 'run')} started before ${toTime(beforeMs)} UTC; nothing was dropped.`);
          return;
        }
        let purged = 0;
        for (;;) {
          // Runs of dead recorders were ended when the home was opened: what is still open belongs to somebody.
          const count = await opened.store.purge({
            projectId: opened.projectId,
            beforeMs,
            limit: chunkRuns,
            isLive: () => true,
          });
          purged += count;
          if (count === 0) break;
          terminal.progress(`${toPlural(purged, 'run')} dropped`);
        }
        terminal.progress('');
        if (flags.json === true) printJson(terminal, { purged, beforeMs });
        else terminal.print(`${toPlural(purged, 'run')} dropped that started before ${toTime(beforeMs)} UTC.`);
      });
    });
}
