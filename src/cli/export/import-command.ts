import type { Command } from 'commander';
import { isTachographError } from '../../core/error.ts';
import { createRedactor } from '../../core/redact/create.ts';
import { readOrCreateKey } from '../../journal/index.ts';
import type { CommandPlace } from '../commands/command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from '../commands/command.ts';
import { toPlural } from '../print/figures.ts';
import { toVerdictLine } from '../print/run-print.ts';
import { toVisible } from '../print/terminal.ts';
import type { ImportedRun } from './import-run.ts';
import { importRunFile } from './import-run.ts';
import { openRunFiles } from './run-file-source.ts';

interface ImportFlags {
  readonly key?: readonly string[];
}

interface Refusal {
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

function printImported(imported: ImportedRun, { terminal }: CommandPlace): void {
  const news =
    imported.newEvents === 0 ? 'nothing new' : `${imported.newEvents} of ${toPlural(imported.events, 'event')} new`;
  terminal.print(`run ${imported.runId}: ${toVerdictLine(imported.verdict, terminal.paint)}, ${news}`);
  terminal.print(`  from ${toVisible(imported.file)}, signed by key ${imported.fingerprint}`);
}

/** `tachograph import`: run files into the home, word for word. */
export function addImport(program: Command, place: CommandPlace): void {
  program
    .command('import')
    .description(
      'Take run files in as they are: ids, hashes, and the seals of their origin. Exit status 1 when one is refused.',
    )
    .argument('<file...>', 'run files, or pages that hold one')
    .option(
      '--key <key>',
      'take only what this key sealed: its fingerprint or its 64 digits; may be given several times',
      collect,
    )
    .addHelpText(
      'after',
      `\nA file is refused whole when a byte of it was changed, when the same run is here with other events, or when it holds\nwhat redaction here would have taken out: a sealed record cannot be redacted afterwards.${examples(
        'tachograph import incident.tgr',
        'tachograph import incident.tgr --key 3f2a-9c1e-77d0-4b52-8e1f-0c6d-a5b4-91ee',
      )}`,
    )
    .action(async (paths: readonly string[], _flags: unknown, self: Command) => {
      const flags = optionsOf<ImportFlags>(self);
      await withHome(flags, async (opened) => {
        const { home, projectId, store } = opened;
        const redactor = createRedactor({ key: readOrCreateKey(home, `${projectId}.content`, 32) });
        const imported: ImportedRun[] = [];
        const refused: Refusal[] = [];
        for (const path of paths) {
          try {
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
        if (refused.length > 0) place.exit(exitStatus.wanting);
        if (flags.json === true) {
          printJson(place.terminal, { imported, refused });
          return;
        }
        for (const each of imported) printImported(each, place);
        for (const { code, message } of refused) place.terminal.note(`tachograph: ${toVisible(message)} [${code}]`);
      });
    });
}
