import type { Command } from 'commander';
import type { RunDifference } from '../../core/difference/run-difference.ts';
import { diffRuns } from '../../core/difference/run-difference.ts';
import type { StepDifference } from '../../core/difference/step-difference.ts';
import { diffSteps } from '../../core/difference/step-difference.ts';
import type { ComparedRun } from '../../core/difference/step-keys.ts';
import { openFilePlace } from '../export/file-place.ts';
import { isFileReference } from '../export/run-file-source.ts';
import type { OpenedHome } from '../open.ts';
import { printRunDifference, printStepDifference } from '../print/difference-print.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';

async function openRun(reference: string, opened: OpenedHome | null): Promise<ComparedRun> {
  if (opened === null || isFileReference(reference)) {
    const { store, projectId, run } = await openFilePlace(reference);
    return { store, projectId, runId: run.id };
  }
  return { store: opened.store, projectId: opened.projectId, runId: (await opened.findRun(reference)).id };
}

/** The first divergence word for word; `null` where one side has no step there, or nothing differs. */
async function readFirst(
  { rows, firstAt }: RunDifference,
  [a, b]: readonly [ComparedRun, ComparedRun],
): Promise<StepDifference | null> {
  const row = firstAt === null ? null : rows[firstAt]!;
  if (row === null || row.a === null || row.b === null) return null;
  return diffSteps({ of: a, number: row.a.number }, { of: b, number: row.b.number });
}

async function compare(
  references: readonly [string, string],
  of: { readonly opened: OpenedHome | null; readonly flags: GlobalOptions; readonly place: CommandPlace },
): Promise<void> {
  const { opened, flags, place } = of;
  const a = await openRun(references[0], opened);
  const b = await openRun(references[1], opened);
  const difference = await diffRuns(a, b, a.store === b.store);
  const first = await readFirst(difference, [a, b]);
  if (!difference.isSame) place.exit(exitStatus.wanting);
  if (flags.json === true) {
    printJson(place.terminal, { ...difference, first });
    return;
  }
  printRunDifference(difference, place.terminal);
  if (first === null) return;
  place.terminal.print('');
  const { a: stepA, b: stepB } = difference.rows[difference.firstAt!]!;
  place.terminal.print(`First divergence: step ${stepA!.number} of the first, step ${stepB!.number} of the second`);
  printStepDifference(first, place.terminal);
}

/** `tachograph diff`: two runs side by side. Exit status 0 when they are the same, 1 when they differ. */
export function addDiff(program: Command, place: CommandPlace): void {
  program
    .command('diff')
    .description('Compare two runs: steps side by side, the first divergence word for word, tokens, cost and time.')
    .argument('<first>', 'run id, the beginning of one, or "last"; or a run file')
    .argument('<second>', 'the run to compare with')
    .addHelpText('after', examples('tachograph diff 019a9f3e last', 'tachograph diff good.tgr last --json'))
    .action(async (first: string, second: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<object>(self);
      const references = [first, second] as const;
      if (references.every(isFileReference)) await compare(references, { opened: null, flags, place });
      else await withHome(flags, (opened) => compare(references, { opened, flags, place }));
    });
}
