import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { Verdict } from '../../core/verify/verdict.ts';
import { toPlural, toShortId } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import { toVerdictLine } from '../print/run-print.ts';
import { checkAnchor, printAnchor } from '../export/anchor.ts';
import { isFileReference } from '../export/run-file-source.ts';
import { originToLine, reportOrigin } from '../export/origin-report.ts';
import { verifyFile } from '../export/verify-file.ts';
import type { CommandPlace } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';

interface VerifyFlags {
  readonly all?: boolean;
  readonly key?: readonly string[];
  readonly printAnchor?: boolean;
  readonly anchor?: string;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/**
 * A finding that means the record was changed or lost. A run that goes on has no seal yet; one that has ended without
 * one, when all that ends has been sealed, is wanting.
 */
export function isFoundWanting(verdict: Verdict, run: Pick<RunView, 'status' | 'swept'>): boolean {
  if (verdict.intact.verdict !== 'unsealed') return verdict.intact.verdict !== 'intact';
  return isTerminal(run.status) || (verdict.complete.closed && !run.swept);
}

interface Verified {
  readonly verdict: Verdict;
  readonly isWanting: boolean;
}

const roundsMax = 3;

/** Verifies a run. One that has just ended is sealed first, by whichever process does that here. */
async function verifySealed(opened: OpenedHome, runId: string): Promise<Verified> {
  for (let round = 1; ; round += 1) {
    const verdict = await opened.verify(runId);
    const run = await opened.store.getRun(opened.projectId, runId);
    const isWanting = isFoundWanting(verdict, run);
    if (!isWanting || verdict.intact.verdict !== 'unsealed' || round === roundsMax) return { verdict, isWanting };
    await opened.indexer.catchUp();
  }
}

async function verifyOne(
  opened: OpenedHome,
  run: RunView,
  flags: { json?: boolean; key?: readonly string[] },
  place: CommandPlace,
): Promise<void> {
  const { terminal } = place;
  const origin = reportOrigin(opened, run.id, flags.key);
  const { verdict, isWanting } = await verifySealed(opened, run.id);
  const chain = await opened.checkSeals();
  if (isWanting || chain !== null || origin?.isAsked === false) place.exit(exitStatus.wanting);
  if (flags.json === true) {
    printJson(terminal, { runId: run.id, ...verdict, sealChain: chain ?? { verdict: 'intact' }, origin });
    return;
  }
  terminal.print(`run ${run.id}: ${toVerdictLine(verdict, terminal.paint)}`);
  terminal.print(`  ${verdict.intact.message}`);
  if (isWanting && verdict.intact.verdict === 'unsealed')
    terminal.print(`  ${terminal.paint.red('The run has ended, so it should have been sealed.')}`);
  if (chain !== null && chain.message !== verdict.intact.message)
    terminal.print(`  ${terminal.paint.red(chain.message)}`);
  terminal.print(`  ${verdict.complete.message}`);
  terminal.print(
    `  ${toPlural(verdict.events, 'event')}, ${toPlural(verdict.seals, 'seal')}${verdict.publicKey === null ? '' : `, key ${verdict.publicKey}`}`,
  );
  if (origin !== null) {
    const line = `  ${originToLine(origin)}`;
    terminal.print(origin.isAsked === false ? terminal.paint.red(line) : line);
  }
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
    const { verdict, isWanting } = await verifySealed(opened, run.id);
    runs += 1;
    erased += verdict.intact.erased > 0 ? 1 : 0;
    if (runs % 100 === 0) terminal.progress(`${runs} runs verified`);
    if (!isWanting) continue;
    wanting.push({ runId: run.id, ...verdict });
    if (flags.json !== true)
      terminal.print(`${toShortId(run.id)}: ${toVerdictLine(verdict, terminal.paint)}  ${verdict.intact.message}`);
  }
  terminal.progress('');
  const chain = await opened.checkSeals();
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
    .argument('[run]', 'run id, the beginning of one, or "last"; or a run file, which needs no home')
    .option('--all', 'every run of the project, and the chain of its seals')
    .option(
      '--key <key>',
      'for a file or an imported run: demand this key, by its fingerprint or its 64 digits; may be given several times',
      collect,
    )
    .option('--print-anchor', 'print the newest seal as one line, to be kept outside')
    .option('--anchor <line>', 'check that the seal of such a line is still here, and all before it')
    .addHelpText(
      'after',
      examples(
        'tachograph verify last',
        'tachograph verify --all',
        'tachograph verify incident.tgr --key 3f2a-9c1e-77d0-4b52-8e1f-0c6d-a5b4-91ee',
        'tachograph verify --print-anchor >> anchors.txt',
        'tachograph verify --anchor "$(tail -1 anchors.txt)"',
      ),
    )
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<VerifyFlags>(self);
      const asked = [
        reference !== undefined,
        flags.all === true,
        flags.printAnchor === true,
        flags.anchor !== undefined,
      ];
      if (asked.filter(Boolean).length !== 1) {
        throw new TachographError(
          'bad-argument',
          'Name one run or file, or give --all, --print-anchor or --anchor: tachograph verify last',
        );
      }
      if (reference !== undefined && isFileReference(reference)) {
        await verifyFile(
          reference,
          { ...(flags.key === undefined ? {} : { keys: flags.key }), json: flags.json === true },
          place,
        );
        return;
      }
      if (flags.key !== undefined && reference === undefined)
        throw new TachographError('bad-argument', '--key is for run files and imported runs: name one.');
      await withHome(flags, async (opened) => {
        const isJson = flags.json === true;
        if (flags.printAnchor === true) await printAnchor(opened, isJson, place);
        else if (flags.anchor !== undefined) await checkAnchor(opened, flags.anchor, { ...place, isJson });
        else if (reference === undefined) await verifyAll(opened, flags, place);
        else await verifyOne(opened, await opened.findRun(reference), flags, place);
      });
    });
}
