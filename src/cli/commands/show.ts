import type { Command } from 'commander';
import { sumOfRuns } from '../../core/cost/sum.ts';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { ReadingPlace } from '../export/file-place.ts';
import { openFilePlace } from '../export/file-place.ts';
import { isFileReference } from '../export/run-file-source.ts';
import { readTree } from '../print/run-tree.ts';
import { childRuns, printRunHeader, printTree } from '../print/run-print.ts';
import { printStep } from '../print/step-print.ts';
import { readStep } from '../step-reading.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';

interface ShowFlags {
  readonly step?: string;
}

async function showStep(
  opened: ReadingPlace,
  run: RunView,
  flags: ShowFlags & { json?: boolean },
  place: CommandPlace,
): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(flags.step ?? '')) {
    throw new TachographError(
      'bad-argument',
      `--step ${JSON.stringify(flags.step)} is no step number; steps count from 1.`,
    );
  }
  const reading = await readStep(opened, run.id, Number(flags.step));
  if (flags.json === true) printJson(place.terminal, reading);
  else printStep(reading, place.terminal);
}

async function showRun(
  opened: ReadingPlace,
  run: RunView,
  flags: ShowFlags & { json?: boolean },
  place: CommandPlace,
): Promise<void> {
  const tree = await readTree(opened.store, run);
  const verdict = await opened.verify(run.id);
  if (flags.json === true) {
    printJson(place.terminal, { ...tree, childCost: sumOfRuns(childRuns(tree)), verdict });
    return;
  }
  printRunHeader(tree, verdict, place.terminal);
  printTree(tree, place.terminal);
}

/** `tachograph show`: one run as a tree, or one of its steps in full. */
export function addShow(program: Command, place: CommandPlace): void {
  program
    .command('show')
    .description('Show a run as a tree with times, tokens and cost, or one step in full.')
    .argument('<run>', 'run id, the beginning of one, or "last"; or a run file, which needs no home')
    .option('--step <n>', 'show this step in full: conversation, output, attempts')
    .addHelpText(
      'after',
      examples(
        'tachograph show last',
        'tachograph show 019a9f3e-1b2c --step 3',
        'tachograph show last --json',
        'tachograph show incident.tgr',
      ),
    )
    .action(async (reference: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<ShowFlags>(self);
      const show = (opened: ReadingPlace, run: RunView): Promise<void> =>
        flags.step === undefined ? showRun(opened, run, flags, place) : showStep(opened, run, flags, place);
      if (isFileReference(reference)) {
        const opened = await openFilePlace(reference);
        await show(opened, opened.run);
        return;
      }
      await withHome(flags, async (opened) => show(opened, await opened.findRun(reference)));
    });
}
