import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { ApiKey } from '../../core/access/key.ts';
import { isKeyLive, parseScopes } from '../../core/access/key.ts';
import type { Keyring } from '../../core/access/keyring.ts';
import { createKeyring, overlapMsDefault } from '../../core/access/keyring.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { collect, examples, optionsOf, printJson, withHome } from '../commands/command.ts';
import type { OpenedHome } from '../open.ts';
import { toTime } from '../print/figures.ts';
import { toTable } from '../print/table.ts';
import { toVisible } from '../print/terminal.ts';
import { parseSpan } from '../commands/filter-options.ts';

interface CreateFlags extends GlobalOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires?: string;
}

const keyringOf = ({ store, keyOf }: OpenedHome): Keyring =>
  createKeyring({ directory: store.directory, pepper: keyOf('server.pepper', 32), nowMs: Date.now, randomBytes });

function stateOf(key: ApiKey): string {
  if (key.revokedAtMs !== null) return `revoked ${toTime(key.revokedAtMs)}`;
  if (!isKeyLive(key, Date.now())) return `expired ${toTime(key.expiresAtMs!)}`;
  return key.expiresAtMs === null ? 'live' : `until ${toTime(key.expiresAtMs)}`;
}

const columns = ['key', 'name', 'scopes', 'made', 'state'].map((heading) => ({ heading }));

function keyToRow(key: ApiKey): string[] {
  return [key.id, toVisible(key.name), key.scopes.join(' '), toTime(key.createdAtMs), stateOf(key)];
}

function tellNew(place: CommandPlace, flags: GlobalOptions, made: { key: ApiKey; text: string }): void {
  const { terminal } = place;
  if (flags.json === true) return printJson(terminal, made);
  terminal.print(made.text);
  terminal.note(
    `Key "${toVisible(made.key.name)}" of project ${made.key.projectId}: ${made.key.scopes.join(', ')}. It is not shown again.`,
  );
}

function addCreate(keys: Command, place: CommandPlace): void {
  keys
    .command('create')
    .description('Make a key and print it, once. From the first key on, the server asks for one.')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scope <scope>', 'ingest, read, run, approve or admin; may be given several times', collect)
    .option('--expires <time>', 'refuse it after this long, such as 90d')
    .addHelpText('after', examples('tachograph keys create --name ci --scope ingest --expires 90d'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<CreateFlags>(self);
      const expiresAtMs = flags.expires === undefined ? null : Date.now() + parseSpan(flags.expires, '--expires');
      const scopes = parseScopes(flags.scope);
      await withHome(flags, async (opened) =>
        tellNew(
          place,
          flags,
          await keyringOf(opened).create({ projectId: opened.projectId, name: flags.name, scopes, expiresAtMs }),
        ),
      );
    });
}

function addList(keys: Command, place: CommandPlace): void {
  keys
    .command('ls')
    .description('List the keys of the project, oldest first. Their secrets are nowhere kept.')
    .addHelpText('after', examples('tachograph keys ls', 'tachograph keys ls --project shop --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withHome(flags, async ({ store, projectId }) => {
        const listed = await store.directory.listKeys(projectId);
        if (flags.json === true) return printJson(place.terminal, { keys: listed });
        if (listed.length === 0) return place.terminal.print(`Project ${projectId} has no keys.`);
        place.terminal.print(toTable(columns, listed.map(keyToRow)).join('\n'));
      });
    });
}

function addRotate(keys: Command, place: CommandPlace): void {
  keys
    .command('rotate <id>')
    .description('Make a key with the same name and scopes; the old one works on for a while.')
    .option('--overlap <time>', 'how long the old one still works', '1d')
    .addHelpText('after', examples('tachograph keys rotate default.0123456789ab --overlap 1h'))
    .action(async (id: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions & { readonly overlap?: string }>(self);
      const overlapMs = flags.overlap === undefined ? overlapMsDefault : parseSpan(flags.overlap, '--overlap');
      await withHome(flags, async (opened) =>
        tellNew(place, flags, await keyringOf(opened).rotate(opened.projectId, id, overlapMs)),
      );
    });
}

function addRevoke(keys: Command, place: CommandPlace): void {
  keys
    .command('revoke <id>')
    .description('Refuse a key everywhere within a second.')
    .addHelpText('after', examples('tachograph keys revoke default.0123456789ab'))
    .action(async (id: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withHome(flags, async (opened) => {
        const key = await keyringOf(opened).revoke(opened.projectId, id);
        if (flags.json === true) printJson(place.terminal, { key });
        else place.terminal.print(`Key ${key.id} ("${toVisible(key.name)}") is revoked.`);
      });
    });
}

/** `tachograph keys`: who may come in. */
export function addKeys(program: Command, place: CommandPlace): void {
  const keys = program
    .command('keys')
    .description('Make, list, rotate and revoke the keys by which people and programs come in.');
  for (const add of [addCreate, addList, addRotate, addRevoke]) add(keys, place);
}
