import process from 'node:process';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { createPostgresRole, migratePostgres } from '../../stores/postgres/index.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { examples, optionsOf, printJson } from '../commands/command.ts';
import { chooseDatabase } from '../database.ts';

interface MigrateFlags extends GlobalOptions {
  readonly role?: string;
}

/** A database without its password, for people to read. */
function toPlace(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
}

/** `tachograph migrate`: brings a PostgreSQL database to the present schema. */
export function addMigrate(program: Command, place: CommandPlace): void {
  program
    .command('migrate')
    .description(
      'Bring a PostgreSQL database to the present schema, as its owner, and give the server a role that owns nothing. Run again after it was stopped; servers of the version before go on meanwhile.',
    )
    .option('--database <url>', "the owner's connection (default: TACHOGRAPH_OWNER_URL, else TACHOGRAPH_DATABASE_URL)")
    .option('--role <name>', 'also make this role for the server, with the password in TACHOGRAPH_ROLE_PASSWORD')
    .addHelpText(
      'after',
      examples('tachograph migrate --database postgres://owner@localhost/tachograph --role tachograph_app'),
    )
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<MigrateFlags>(self);
      const url = chooseDatabase(flags.database ?? process.env['TACHOGRAPH_OWNER_URL'], process.env);
      if (url === null)
        throw new TachographError('bad-argument', 'No database is named; give --database or set TACHOGRAPH_OWNER_URL.');
      const { role } = flags;
      const password = process.env['TACHOGRAPH_ROLE_PASSWORD'];
      place.terminal.progress(`migrating ${toPlace(url)}`);
      await migratePostgres({ url });
      if (role !== undefined) await createPostgresRole({ url, role, ...(password === undefined ? {} : { password }) });
      place.terminal.progress('');
      if (flags.json === true) printJson(place.terminal, { database: toPlace(url), role: role ?? null });
      else
        place.terminal.print(
          `${toPlace(url)} has the present schema.${role === undefined ? '' : ` Servers connect as ${role}.`}`,
        );
    });
}
