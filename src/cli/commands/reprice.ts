import type { Command } from 'commander';
import { costOfStep } from '../../core/cost/step-cost.ts';
import type { Prices } from '../../core/cost/prices.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import type { OpenedHome } from '../open.ts';
import { toMoney, toPlural, toShortId } from '../print/figures.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';

interface RepriceFlags {
  readonly dryRun?: boolean;
}

/** A run whose estimates differ by the prices in force. */
interface Repriced {
  readonly runId: string;
  readonly steps: number;
  readonly beforeNanoUsd: number | null;
  readonly afterNanoUsd: number | null;
}

const costKeys = ['nanoUsd', 'status', 'source', 'table', 'reason'] as const;

function isRepriced(step: StepView, prices: Prices): boolean {
  const next = costOfStep(step, prices);
  return costKeys.some((key) => (next?.[key] ?? null) !== (step.cost?.[key] ?? null));
}

/** The sum of the steps by the prices in force; `null` when one of them is unknown. */
function sumOf(steps: readonly StepView[], prices: Prices): number | null {
  let sum = 0;
  for (const step of steps) {
    const cost = costOfStep(step, prices);
    if (cost === null && (step.kind !== 'model' || step.status === 'in_progress')) continue;
    if (cost === null || cost.nanoUsd === null) return null;
    sum += cost.nanoUsd;
  }
  return sum;
}

async function reprice(opened: OpenedHome, run: RunView, isDryRun: boolean): Promise<Repriced | null> {
  const { store, projectId, prices } = opened;
  const steps = await store.listSteps(projectId, run.id);
  const changed = steps.filter((step) => isRepriced(step, prices)).length;
  if (changed === 0) return null;
  // The store computes the views from the events, with the same rule for costs and the same prices.
  if (!isDryRun) await store.rebuildRun(projectId, run.id);
  return { runId: run.id, steps: changed, beforeNanoUsd: run.costNanoUsd, afterNanoUsd: sumOf(steps, prices) };
}

async function* runsOf(opened: OpenedHome, reference: string | undefined): AsyncGenerator<RunView> {
  if (reference !== undefined) {
    yield await opened.findRun(reference);
    return;
  }
  for (let cursor: string | null = null; ;) {
    const page = await opened.store.listRuns(
      opened.projectId,
      { includeDryRun: true },
      { limit: 500, ...(cursor === null ? {} : { cursor }) },
    );
    yield* page.items;
    cursor = page.nextCursor;
    if (cursor === null) return;
  }
}

/** `tachograph reprice`: makes estimates anew with the prices in force. Events and actual costs stay as they are. */
export function addReprice(program: Command, place: CommandPlace): void {
  program
    .command('reprice')
    .description('Make cost estimates anew with the prices in force. Changes no record and no actual cost.')
    .argument('[run]', 'run id, the beginning of one, or "last"; left out: all runs')
    .option('--dry-run', 'only say what would change')
    .addHelpText('after', examples('tachograph reprice --dry-run', 'tachograph reprice last'))
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<RepriceFlags>(self);
      const { terminal } = place;
      const isDryRun = flags.dryRun === true;
      await withHome(flags, async (opened) => {
        const repriced: Repriced[] = [];
        let runs = 0;
        for await (const run of runsOf(opened, reference)) {
          const change = await reprice(opened, run, isDryRun);
          runs += 1;
          if (runs % 100 === 0) terminal.progress(`${runs} runs looked at, ${repriced.length} repriced`);
          if (change !== null) repriced.push(change);
        }
        terminal.progress('');
        const { version } = opened.prices;
        if (flags.json === true) {
          printJson(terminal, { version, dryRun: isDryRun, runs, repriced });
          return;
        }
        for (const { runId, steps, beforeNanoUsd, afterNanoUsd } of repriced)
          terminal.print(
            `${toShortId(runId)}: ${toPlural(steps, 'step')}, ${toMoney(beforeNanoUsd)} → ${toMoney(afterNanoUsd)}`,
          );
        const verb = isDryRun ? 'would be repriced' : 'repriced';
        terminal.print(`${toPlural(runs, 'run')} looked at, ${repriced.length} ${verb} with prices ${version}.`);
      });
    });
}
