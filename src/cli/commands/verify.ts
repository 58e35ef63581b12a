import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Verdict } from '../../core/verify/verdict.ts';
import { checkSealChain } from '../../core/verify/seals.ts';
import { toPlural, toShortId } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import { toVerdictLine } from '../print/run-print.ts';
import type { CommandPlace } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';

interface VerifyFlags {
  readonly all?: boolean;
}

/** A finding that means the record was changed or lost; an open run without a seal is none. */
export function isFoundWanting(verdict: Verdict): boolean {
  return verdict.intact.verdict !== 'intact' && verdict.intact.verdict !== 'unsealed';
}

async function verifyOne(
  opened: OpenedHome,
  run: RunView,
  flags: { json?: boolean },
  place: CommandPlace,
): Promise<void> {
  const { terminal } = place;
  const verdict = await opened.verify(run.id);
  if (isFoundWanting(verdict)) place.exit(exitStatus.wanting);
  if (flags.json === true) {
    printJson(terminal, { runId: run.id, ...verdict });
    return;
  }
  terminal.print(`run ${run.id}: ${toVerdictLine(verdict, terminal.paint)}`);
  terminal.print(`  ${verdict.intact.message}`);
  terminal.print(`  ${verdict.complete.message}`);
  terminal.print(
    `  ${toPlural(verdict.events, 'event')}, ${toPlural(verdict.seals, 'seal')}${verdict.publicKey === null ? '' : `, key ${verdict.publicKey}`}`,
  );
}

async function* allRuns(opened: OpenedHome): AsyncGenerator<RunView> {
  for (let cursor: string | null = null; ;) {
    const page = await opened.store.listRuns(
      opened.projectId,
      { includeDryRun: true },
      { limit: 500, ...(cursor === null ? {} : { cursor }) },
    );
    yield* page.items;
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}

async function verifyAll(opened: OpenedHome, flags: { json?: boolean }, place: CommandPlace): Promise<void> {
  const { terminal } = place;
  const wanting: object[] = [];
  let runs = 0;
  let erased = 0;
  for await (const run of allRuns(opened)) {
    const verdict = await opened.verify(run.id);
    runs += 1;
    erased += verdict.intact.erased > 0 ? 1 : 0;
    if (runs % 100 === 0) terminal.progress(`${runs} runs verified`);
    if (!isFoundWanting(verdict)) continue;
    wanting.push({ runId: run.id, ...verdict });
    if (flags.json !== true)
      terminal.print(`${toShortId(run.id)}: ${toVerdictLine(verdict, terminal.paint)}  ${verdict.intact.message}`);
  }
  terminal.progress('');
  const chain = checkSealChain(await opened.store.listSeals(opened.projectId));
  if (wanting.length > 0 || chain !== null) place.exit(exitStatus.wanting);
  if (flags.json === true) {
    printJson(terminal, { runs, erased, wanting, sealChain: chain ?? { verdict: 'intact' } });
    return;
  }
  const seals = chain === null ? 'the seals follow each other' : terminal.paint.red(chain.message);
  terminal.print(`${toPlural(runs, 'run')} verified, ${wanting.length} found wanting, ${erased} erased; ${seals}.`);
}

/** `tachograph verify`: is the record intact, and is it complete. */
export function addVerify(program: Command, place: CommandPlace): void {
  program
    .command('verify')
    .description('Prove that a record is unaltered: chains, contents and seals. Exit status 1 when it is not.')
    .argument('[run]', 'run id, the beginning of one, or "last"')
    .option('--all', 'every run of the project, and the chain of its seals')
    .addHelpText('after', examples('tachograph verify last', 'tachograph verify --all'))
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<VerifyFlags>(self);
      if ((reference === undefined) === (flags.all !== true)) {
        throw new TachographError('bad-argument', 'Name one run, or give --all for every run: tachograph verify last');
      }
      await withHome(flags, async (opened) => {
        if (reference === undefined) await verifyAll(opened, flags, place);
        else await verifyOne(opened, await opened.findRun(reference), flags, place);
      });
    });
}
