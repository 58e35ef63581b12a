import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { chooseDatabase } from '../database.ts';
import { chooseHome } from '../open.ts';
import type { CommandPlace } from '../commands/command.ts';
import { examples, optionsOf, printJson } from '../commands/command.ts';
import { toPlural } from '../print/figures.ts';
import { backUp } from './backup.ts';

interface BackupFlags {
  readonly keys?: boolean;
}

/** `tachograph backup`: copies a home while it is in use. */
export function addBackup(program: Command, place: CommandPlace): void {
  program
    .command('backup')
    .description(
      'Copy the store, the journals and the heads of the seals into a new folder, while a server and recorders go on. To restore, copy the folder back as a home.',
    )
    .argument('<folder>', 'a folder that does not exist yet, outside the home')
    .option('--keys', 'the secret keys too; without them, keep a copy of the keys folder elsewhere')
    .addHelpText('after', examples('tachograph backup /backups/monday', 'tachograph backup /safe/monday --keys --json'))
    .action(async (folder: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<BackupFlags>(self);
      if (chooseDatabase(flags.database, process.env) !== null)
        throw new TachographError(
          'bad-argument',
          'The records are in PostgreSQL: back the database up with pg_dump, and the home’s keys folder beside it.',
        );
      const { terminal } = place;
      const target = resolve(folder);
      const manifest = await backUp({
        home: chooseHome(flags.home),
        folder: target,
        withKeys: flags.keys === true,
        nowMs: Date.now(),
        onProgress: (what) => terminal.progress(what),
      });
      terminal.progress('');
      const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
      if (flags.json === true) printJson(terminal, { folder: target, bytes, ...manifest });
      else {
        terminal.print(`${toPlural(manifest.files.length, 'file')}, ${bytes} bytes, in ${target}`);
        if (!manifest.hasKeys)
          terminal.print('The secret keys are not in it: whoever restores it needs the keys folder of this home too.');
      }
    });
}
