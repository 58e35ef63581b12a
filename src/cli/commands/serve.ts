import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { readSettings } from '../../journal/index.ts';
import type { Server } from '../../server/index.ts';
import { createHandler, createServer, isLoopback } from '../../server/index.ts';
import { createExporter } from '../export/exporter.ts';
import { readOrigin } from '../export/origin-shelf.ts';
import { watchReception } from '../life/ingest-watch.ts';
import type { Newsroom } from '../life/news.ts';
import { createNewsroom, listenForOthers } from '../life/news.ts';
import { createReception } from '../life/reception.ts';
import { isDoneWithin, untilStopped } from '../life/stop.ts';
import type { WatchedStore } from '../life/store-watch.ts';
import { watchStore } from '../life/store-watch.ts';
import { createUpkeep } from '../life/upkeep.ts';
import { watchVitalSigns } from '../life/vital-signs.ts';
import { openPatiently } from '../life/waiting-room.ts';
import type { Log, LogFormat } from '../log/log.ts';
import { createUpkeepLog, logProblem, logRequest } from '../log/server-log.ts';
import { chooseDatabase } from '../database.ts';
import { proxyPath } from '../../capture/proxy/index.ts';
import { createHomeProxy, readUpstreams } from '../proxy/proxy-recorder.ts';
import type { OpenedHome } from '../open.ts';
import { chooseHome, openTachograph } from '../open.ts';
import { recordSample } from '../sample/record.ts';
import { forgetServerAddress, writeServerAddress } from '../server-address.ts';
import { version } from '../version.ts';
import { openServerWork } from '../work/server-work.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { collect, examples, exitStatus, optionsOf } from './command.ts';

interface ServeFlags {
  readonly port: string;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly sample: boolean;
  readonly proxyUpstream?: readonly string[];
  readonly log?: string;
}

const portDefault = 7411;
/** From the signal to the end, with room for the process to leave within 10 s. */
const stopMs = 9000;
/** How long requests under way are waited for. */
const requestsMs = 5000;

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

/** Lines for people on a terminal, for programs elsewhere, unless said. */
function parseLogFormat(text: string | undefined): LogFormat {
  if (text === undefined) return process.stderr.isTTY === true ? 'text' : 'json';
  if (text === 'text' || text === 'json') return text;
  throw new TachographError('bad-argument', `--log ${JSON.stringify(text)} is no format; give text or json.`);
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

/** A name that a proxy in front answers to is no secret: whoever reaches the proxy reaches everything. */
async function warnOfMissingKeys({ flags, log }: Pick<Frame, 'flags' | 'log'>, { store }: OpenedHome): Promise<void> {
  const names = flags.allowHost ?? [];
  if (names.length === 0 || (await store.directory.hasKeys())) return;
  const message =
    `Answering as ${names.join(', ')} without asking for a key, since there is none: whoever reaches that name can read and erase every record. ` +
    'Make one: tachograph keys create --name me --scope admin';
  log.warn('keys-missing', { message });
}

async function fillWithSample(opened: OpenedHome, log: Log): Promise<void> {
  if (!(await isEmpty(opened))) return;
  log.info('sample', { message: 'The store is empty: recording the sample agent (--no-sample turns this off) …' });
  const isGood = await recordSample({ home: opened.home, projectId: opened.projectId });
  const message = isGood
    ? 'The sample agent is recorded.'
    : 'The sample agent did not end well; what it recorded is kept.';
  log.info('sample', { message });
}

/** What a server is made of before its home is open. */
interface Frame {
  readonly flags: ServeFlags & GlobalOptions;
  readonly log: Log;
  readonly news: Newsroom;
  readonly stopped: Promise<string>;
}

/** The home, open, with its store watched; `null` when it is stopped while it waits for its database. */
async function openWatched({
  flags,
  log,
  news,
  stopped,
}: Frame): Promise<{ opened: OpenedHome; watched: WatchedStore } | null> {
  let watched: WatchedStore | null = null;
  const open = async (): Promise<OpenedHome> =>
    openTachograph({
      ...(flags.home === undefined ? {} : { home: flags.home }),
      ...(flags.project === undefined ? {} : { project: flags.project }),
      ...(flags.database === undefined ? {} : { database: flags.database }),
      aroundStore: (store) => (watched = watchStore(store)).store,
      onNews: (change) => news.tell(change),
      onError: (error) => log.failure(error),
      onProblem: (problem) => logProblem(log, problem),
    });
  const isShared = chooseDatabase(flags.database, process.env) !== null;
  const place = { host: flags.host, port: parsePort(flags.port), version };
  const opened = isShared ? await openPatiently(open, { ...place, log, stopped }) : await open();
  return opened === null ? null : { opened, watched: watched! };
}

/** Everything of a server on an open home. */
interface Works {
  readonly server: Server;
  close(limitMs: number): Promise<boolean>;
}

async function startWorks(
  { flags, log, news }: Frame,
  { opened, watched }: { opened: OpenedHome; watched: WatchedStore },
): Promise<Works> {
  const complain = (error: unknown): void => log.failure(error);
  const isKeyRequired = !isLoopback(flags.host);
  const allowedHosts = [...(flags.allowHost ?? []), ...(isKeyRequired ? ['*'] : [])];
  const reception = createReception(opened, complain);
  const intake = watchReception(reception, log);
  const upkeep = createUpkeep(opened, { onError: complain, onState: createUpkeepLog(log) });
  const proxy = createHomeProxy(opened, { upstreams: readUpstreams(flags.proxyUpstream), onError: complain });
  const signs = watchVitalSigns(opened);
  const others = await listenForOthers(news, process.env, complain);
  const work = openServerWork(opened, log, process.env);
  let server: Server | null = null;
  const close = async (): Promise<void> => {
    signs.close();
    await others.close();
    await server?.close({ timeoutMs: 0 });
    await proxy.close();
    await upkeep.close();
    await reception.close();
    await work.close();
    await forgetServerAddress(opened.home);
    await opened.close();
  };
  try {
    if (isKeyRequired && !(await opened.store.directory.hasKeys())) throw keysMissing(flags.host);
    await warnOfMissingKeys({ flags, log }, opened);
    const handler = createHandler({
      store: opened.store,
      projectId: opened.projectId,
      verify: (projectId, runId) => opened.verify(runId, projectId),
      eraseRun: (projectId, runId) => opened.indexer.eraseRun(projectId, runId),
      upkeep: () => upkeep.state(),
      eraseSubject: (projectId, subject) => opened.indexer.eraseSubject(projectId, subject),
      access: { pepper: opened.keyOf('server.pepper', 32), isKeyRequired },
      inbox: intake.take,
      runsOf: work.runsOf,
      exporter: createExporter(opened),
      originOf: (projectId, runId) => readOrigin(opened.home, { projectId, runId }),
      redactorOf: opened.redactorOf,
      webRoot: viewerFolder(),
      news,
      version,
      allowedHosts,
      onError: complain,
      onRequest: (note) => logRequest(log, note),
      gauges: async () => [...(await signs.gauges()), ...watched.gauges(), ...intake.gauges()],
    });
    server = await createServer({
      handler,
      port: parsePort(flags.port),
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
    work.start();
    await writeServerAddress(opened.home, server.url);
    const listening = server;
    return {
      server,
      close: (limitMs) =>
        isDoneWithin(listening.close({ timeoutMs: Math.min(requestsMs, limitMs) }).then(close), limitMs),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function serve(flags: ServeFlags & GlobalOptions, { terminal }: CommandPlace): Promise<void> {
  const format = parseLogFormat(flags.log);
  // Loaded here: the other commands do without it and start 20 ms sooner.
  const { createLog } = await import('../log/log.ts');
  const log = createLog({ format });
  parsePort(flags.port);
  readUpstreams(flags.proxyUpstream);
  // A slip of the pen in the settings is told now, not by runs that were dropped or not recorded.
  readSettings(chooseHome(flags.home));
  const stopped = untilStopped();
  const frame: Frame = { flags, log, news: createNewsroom(), stopped };
  const home = await openWatched(frame);
  if (home === null) return;
  const { opened } = home;
  const works = await startWorks(frame, home);
  const { url } = works.server;
  if (flags.json === true) terminal.print(JSON.stringify({ url, home: opened.home }));
  else
    terminal.print(
      `Tachograph ${version} at ${terminal.paint.bold(url)}\nRecords in ${opened.home}. Record a program: tachograph run -- node agent.mjs`,
    );
  log.info('server-started', { version, url, store: opened.store.kind });
  if (flags.sample) fillWithSample(opened, log).catch((error: unknown) => log.failure(error));
  const signal = await stopped;
  const sinceMs = performance.now();
  log.info('server-stopping', { signal });
  const isTidy = await works.close(stopMs);
  log.info('server-stopped', { ms: Math.round(performance.now() - sinceMs), tidy: isTidy });
  // What still runs has taken nothing that is not on disk: the next server imports it.
  if (!isTidy) process.exit(exitStatus.done);
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
    .option(
      '--log <format>',
      'how the log on standard error looks: text or json (default: text on a terminal, else json)',
    )
    .option('--no-sample', 'do not record the sample agent into an empty store')
    .addHelpText('after', examples('tachograph serve', 'tachograph serve --port 0 --no-sample --json --log text'))
    .action(async (_flags: unknown, self: Command) => serve(optionsOf<ServeFlags>(self), place));
}
