import type { Command } from 'commander';
import { isTachographError, TachographError } from '../../core/error.ts';
import type { ForeignReport } from '../../ingest/import/index.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { collect, examples, exitStatus, optionsOf, printJson, withHome } from '../commands/command.ts';
import { importForeignFile, printForeign } from '../import/foreign-file.ts';
import { importHome } from '../import/home-import.ts';
import { errorToLine } from '../print/complaint.ts';
import { toPlural } from '../print/figures.ts';
import { toVerdictLine } from '../print/run-print.ts';
import { toVisible } from '../print/terminal.ts';
import type { ImportedRun } from './import-run.ts';
import { importRunFile } from './import-run.ts';
import { openRunFiles } from './run-file-source.ts';

interface ImportFlags {
  readonly from?: string;
  readonly key?: readonly string[];
}

interface Refusal {
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

function printImported(imported: ImportedRun, { terminal }: CommandPlace): void {
  const news =
    imported.newEvents === 0 ? 'nothing new' : `${imported.newEvents} of ${toPlural(imported.events, 'event')} new`;
  terminal.print(`run ${imported.runId}: ${toVerdictLine(imported.verdict, terminal.paint)}, ${news}`);
  terminal.print(`  from ${toVisible(imported.file)}, signed by key ${imported.fingerprint}`);
}

/** Copies another home's runs and says what stayed there. */
async function takeHome(from: string, flags: ImportFlags & GlobalOptions, place: CommandPlace): Promise<void> {
  const { terminal } = place;
  await withHome(flags, async (opened) => {
    const done = await importHome(
      {
        from,
        ...(flags.project === undefined ? {} : { projectId: flags.project }),
        onProgress: (count, of) => terminal.progress(count === of ? '' : `run ${count + 1} of ${of}`),
      },
      opened,
    );
    await opened.indexer.catchUp();
    if (done.unmoved.length > 0) place.exit(exitStatus.wanting);
    if (flags.json === true) return printJson(terminal, done);
    terminal.print(
      `${toPlural(done.moved, 'run')} copied from ${toVisible(done.from)} (${toPlural(done.newEvents, 'event')}, ${toPlural(done.annotations, 'annotation')}), ${toPlural(done.already, 'run')} here already.`,
    );
    if (done.projects.length > 0) terminal.print(`Projects made: ${done.projects.map(toVisible).join(', ')}`);
    for (const { code, message } of done.unmoved) terminal.note(`tachograph: ${toVisible(message)} [${code}]`);
    return undefined;
  });
}

/** `tachograph import`: run files into the home, word for word, and files of other tools through the recorder. */
export function addImport(program: Command, place: CommandPlace): void {
  program
    .command('import')
    .description(
      'Take run files in as they are (ids, hashes, and the seals of their origin), and files of other tools through the recorder. Exit status 1 when one is refused or a part of one is broken.',
    )
    .argument(
      '[file...]',
      'run files, pages that hold one, SWE-agent transcripts, MoA traces, files of the AI SDK DevTools',
    )
    .option(
      '--key <key>',
      'take only what this key sealed: its fingerprint or its 64 digits; may be given several times',
      collect,
    )
    .option(
      '--from <home>',
      'in place of files, copy every run of another home word for word; it can be stopped and run again',
    )
    .addHelpText(
      'after',
      `\nA file is refused whole when a byte of it was changed, when the same run is here with other events, or when it holds\nwhat redaction here would have taken out: a sealed record cannot be redacted afterwards. A file of another tool is told
by what it holds; its runs are recorded here, marked as imported, once however often the file is given.${examples(
        'tachograph import incident.tgr',
        'tachograph import transcripts/*.traj .devtools/generations.json',
        'tachograph import --from ~/.local/share/tachograph --database postgres://app@localhost/tachograph',
        'tachograph import incident.tgr --key 3f2a-9c1e-77d0-4b52-8e1f-0c6d-a5b4-91ee',
      )}`,
    )
    .action(async (paths: readonly string[], _flags: unknown, self: Command) => {
      const flags = optionsOf<ImportFlags>(self);
      if ((flags.from === undefined) === (paths.length === 0))
        throw new TachographError('bad-argument', 'Give files to import, or another home with --from, and not both.');
      if (flags.from !== undefined) return takeHome(flags.from, flags, place);
      await withHome(flags, async (opened) => {
        const { home, projectId, redactor, store } = opened;
        const imported: ImportedRun[] = [];
        const foreign: ForeignReport[] = [];
        const refused: Refusal[] = [];
        const onError = (error: unknown): void => place.terminal.note(`tachograph: ${errorToLine(error)}`);
        for (const path of paths) {
          try {
            const report = await importForeignFile(path, opened, { terminal: place.terminal, onError });
            if (report !== null) {
              foreign.push(report);
              continue;
            }
            for (const source of await openRunFiles(path))
              imported.push(
                await importRunFile(source, flags.key, {
                  home,
                  projectId,
                  store,
                  redactor,
                  ownKey: opened.trustedKey(projectId),
                }),
              );
          } catch (error) {
            if (!isTachographError(error)) throw error;
            refused.push({ file: path, code: error.code, message: error.message });
          }
        }
        await opened.indexer.catchUp();
        const isBroken = foreign.some(({ broken }) => broken.length > 0);
        if (refused.length > 0 || isBroken) place.exit(exitStatus.wanting);
        if (flags.json === true) {
          printJson(place.terminal, { imported, foreign, refused });
          return;
        }
        for (const each of imported) printImported(each, place);
        for (const each of foreign) printForeign(each, place.terminal);
        for (const { code, message } of refused) place.terminal.note(`tachograph: ${toVisible(message)} [${code}]`);
      });
    });
}
