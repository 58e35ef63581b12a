import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { readSettings } from '../../journal/index.ts';
import type { News as RunNewsSource, RunNews, Server } from '../../server/index.ts';
import { createHandler, createServer, isLoopback } from '../../server/index.ts';
import { createExporter } from '../export/exporter.ts';
import { readOrigin } from '../export/origin-shelf.ts';
import { createReception } from '../life/reception.ts';
import { createUpkeep } from '../life/upkeep.ts';
import { proxyPath } from '../../capture/proxy/index.ts';
import { createHomeProxy, readUpstreams } from '../proxy/proxy-recorder.ts';
import type { OpenedHome } from '../open.ts';
import { chooseHome, openTachograph } from '../open.ts';
import { recordSample } from '../sample/record.ts';
import { errorToLine } from '../print/complaint.ts';
import { toVisible } from '../print/terminal.ts';
import { forgetServerAddress, writeServerAddress } from '../server-address.ts';
import { version } from '../version.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { collect, examples, optionsOf } from './command.ts';

interface ServeFlags {
  readonly port: string;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly sample: boolean;
  readonly proxyUpstream?: readonly string[];
}

const portDefault = 7411;
const closeMs = 10_000;

/** News that reach whoever has subscribed. */
function createNews(): RunNewsSource & { tell(change: RunNews): void } {
  const listeners = new Set<(change: RunNews) => void>();
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(change) {
      for (const listener of listeners) listener(change);
    },
  };
}

/** The built viewer: beside the bundles, or in dist when run from source. */
function viewerFolder(): string | null {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [join(here, 'web'), join(here, '..', 'web'), join(here, '..', '..', '..', 'dist', 'web')];
  return places.find((folder) => existsSync(join(folder, 'index.html'))) ?? null;
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new TachographError(
    'bad-argument',
    `--port ${JSON.stringify(text)} is no port; give 0 (any free one) to 65535.`,
  );
}

async function isEmpty(opened: OpenedHome): Promise<boolean> {
  return (await opened.store.countRuns(opened.projectId, { includeDryRun: true })) === 0;
}

function keysMissing(host: string): TachographError {
  return new TachographError(
    'bind-refused',
    `${host} is an address that others reach, and there is no key yet: whoever reached it could read every record. ` +
      'Make one first: tachograph keys create --name me --scope admin',
  );
}

/** Resolves at the first SIGINT or SIGTERM. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

async function fillWithSample(opened: OpenedHome, place: CommandPlace): Promise<void> {
  if (!(await isEmpty(opened))) return;
  place.terminal.note('The store is empty: recording the sample agent (--no-sample turns this off) …');
  const isGood = await recordSample({ home: opened.home, projectId: opened.projectId });
  place.terminal.note(
    isGood ? 'The sample agent is recorded.' : 'The sample agent did not end well; what it recorded is kept.',
  );
}

async function serve(flags: ServeFlags & GlobalOptions, place: CommandPlace): Promise<void> {
  const { terminal } = place;
  const port = parsePort(flags.port);
  const upstreams = readUpstreams(flags.proxyUpstream);
  // A slip of the pen in the settings is told now, not by runs that were dropped or not recorded.
  readSettings(chooseHome(flags.home));
  const stopped = untilStopped();
  const news = createNews();
  const complain = (error: unknown): void => terminal.note(`tachograph: ${errorToLine(error)}`);
  const opened = await openTachograph({
    ...(flags.home === undefined ? {} : { home: flags.home }),
    ...(flags.project === undefined ? {} : { project: flags.project }),
    ...(flags.database === undefined ? {} : { database: flags.database }),
    onNews: (change) => news.tell(change),
    onError: complain,
  });
  const isKeyRequired = !isLoopback(flags.host);
  const allowedHosts = [...(flags.allowHost ?? []), ...(isKeyRequired ? ['*'] : [])];
  const reception = createReception(opened, complain);
  const upkeep = createUpkeep(opened, { onError: complain });
  const proxy = createHomeProxy(opened, { upstreams, onError: complain });
  let server: Server | null = null;
  try {
    if (isKeyRequired && !(await opened.store.directory.hasKeys())) throw keysMissing(flags.host);
    const handler = createHandler({
      store: opened.store,
      projectId: opened.projectId,
      verify: (projectId, runId) => opened.verify(runId, projectId),
      eraseRun: (projectId, runId) => opened.indexer.eraseRun(projectId, runId),
      upkeep: () => upkeep.state(),
      eraseSubject: (projectId, subject) => opened.indexer.eraseSubject(projectId, subject),
      access: { pepper: opened.keyOf('server.pepper', 32), isKeyRequired },
      inbox: (projectId, batch) => reception.take(projectId, batch),
      exporter: createExporter(opened),
      originOf: (projectId, runId) => readOrigin(opened.home, { projectId, runId }),
      redactorOf: opened.redactorOf,
      webRoot: viewerFolder(),
      news,
      version,
      allowedHosts,
      onError: complain,
    });
    server = await createServer({
      handler,
      port,
      host: flags.host,
      isKeyRequired,
      onError: complain,
      mount: {
        path: proxyPath,
        allowedHosts,
        refuse: (caller) => handler.refuse(caller, 'ingest'),
        handle: proxy.handle,
      },
    });
    opened.indexer.start();
    upkeep.start();
    await writeServerAddress(opened.home, server.url);
    if (flags.json === true) terminal.print(JSON.stringify({ url: server.url, home: opened.home }));
    else
      terminal.print(
        `Tachograph ${version} at ${terminal.paint.bold(server.url)}\nRecords in ${opened.home}. Record a program: tachograph run -- node agent.mjs`,
      );
    if (flags.allowHost !== undefined && !(await opened.store.directory.hasKeys()))
      terminal.note(
        `tachograph: no key is asked for, so whoever reaches this server under ${flags.allowHost.map((name) => toVisible(name)).join(', ')} can read and erase every record. Make one: tachograph keys create --name me --scope admin`,
      );
    const sample = flags.sample ? fillWithSample(opened, place).catch(complain) : Promise.resolve();
    await stopped;
    terminal.note('Stopping …');
    await server.close({ timeoutMs: closeMs });
    await Promise.race([sample, new Promise((resolve) => setTimeout(resolve, 500))]);
  } finally {
    await server?.close({ timeoutMs: 0 });
    await proxy.close();
    await upkeep.close();
    await reception.close();
    await forgetServerAddress(opened.home);
    await opened.close();
  }
}

/** `tachograph serve`: API, events and viewer on one port. */
export function addServe(program: Command, place: CommandPlace): void {
  program
    .command('serve')
    .description(
      'Serve the viewer and the API, on the loopback address unless told otherwise, and keep the store up to date.',
    )
    .option(
      '--port <n>',
      'port to listen on; 0 for any free one',
      process.env['TACHOGRAPH_PORT'] ?? String(portDefault),
    )
    .option('--host <address>', 'address to listen on; one that others reach needs a key first', '127.0.0.1')
    .option(
      '--allow-host <name>',
      'also answer under this host name, for a proxy in front; may be given several times',
      collect,
    )
    .option(
      '--proxy-upstream <name=url>',
      'also record calls to /proxy/<name>/ and forward them to this base URL; may be given several times',
      collect,
    )
    .option('--no-sample', 'do not record the sample agent into an empty store')
    .addHelpText('after', examples('tachograph serve', 'tachograph serve --port 0 --no-sample --json'))
    .action(async (_flags: unknown, self: Command) => serve(optionsOf<ServeFlags>(self), place));
}
