import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { sumOfRuns } from '../../core/cost/sum.ts';
import { isTachographError, TachographError } from '../../core/error.ts';
import { createIdSource } from '../../core/id.ts';
import { isRecorded } from '../../core/life/switches.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Usage } from '../../core/model/usage.ts';
import { addUsage, unknownUsage } from '../../core/model/usage.ts';
import { chooseProject, readSettings, settingsToSwitches } from '../../journal/index.ts';
import { readRevision, revisionToText } from '../environment.ts';
import { readPricesOrShipped } from '../prices.ts';
import { errorToLine } from '../print/complaint.ts';
import { notAvailable, toBytes, toCostSum, toPlural, toShortId, toTokens } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import { chooseHome, openTachograph } from '../open.ts';
import { toForeignLine } from '../life/ship-command.ts';
import type { SentSummary, Shipping } from '../life/shipping.ts';
import { openShipping } from '../life/shipping.ts';
import { registerUrl } from '../register-url.ts';
import { readServerAddress } from '../server-address.ts';
import type { CommandProxy } from '../proxy/command-proxy.ts';
import { openCommandProxy } from '../proxy/command-proxy.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { collect, examples, optionsOf } from './command.ts';

interface RunFlags {
  readonly hosts?: string;
  readonly proxy?: boolean;
  readonly proxyUpstream?: readonly string[];
  readonly power?: boolean;
  readonly quiet?: boolean;
}

/** How a child ended. */
interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Signals that reach only this process and are meant for the child. */
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;

function childEnvironment(
  opened: OpenedHome,
  sessionId: string,
  flags: RunFlags & { readonly proxied: CommandProxy['variables'] },
): NodeJS.ProcessEnv {
  const imports = `--import=${registerUrl()}`;
  const before = process.env['NODE_OPTIONS'];
  return {
    ...process.env,
    NODE_OPTIONS: before === undefined || before === '' ? imports : `${before} ${imports}`,
    TACHOGRAPH_HOME: opened.home,
    TACHOGRAPH_PROJECT: opened.projectId,
    TACHOGRAPH_SESSION: sessionId,
    TACHOGRAPH_REVISION: revisionToText(readRevision()),
    ...(flags.hosts === undefined ? {} : { TACHOGRAPH_HOSTS: flags.hosts }),
    ...(flags.power === true ? { TACHOGRAPH_DURABILITY: 'power' } : {}),
    ...flags.proxied,
  };
}

/** Runs the child with this process's own input and output, and passes signals on. */
function runChild(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: 'inherit', env });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    // At a terminal the interrupt reaches the child by itself; a second one would make it give up in a hurry.
    const interrupt = (): void => {
      if (process.stdin.isTTY !== true) child.kill('SIGINT');
    };
    for (const signal of forwarded) process.on(signal, pass);
    process.on('SIGINT', interrupt);
    const stop = (): void => {
      for (const signal of forwarded) process.off(signal, pass);
      process.off('SIGINT', interrupt);
    };
    child.once('error', (error) => {
      stop();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      stop();
      resolve({ code, signal });
    });
  });
}

async function sessionRuns(opened: OpenedHome, sessionId: string): Promise<RunView[]> {
  const runs: RunView[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await opened.store.listRuns(
      opened.projectId,
      { sessionId, includeDryRun: true },
      { limit: 500, ...(cursor === null ? {} : { cursor }) },
    );
    runs.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return runs;
  }
}

/** One line: runs, steps, attempts, tokens, cost, gaps, and where to look. */
export function toSummaryLine(runs: readonly RunView[], address: string | null, isOff = false): string {
  if (runs.length === 0 && isOff) return 'nothing recorded: the settings switch recording off';
  if (runs.length === 0)
    return 'nothing recorded: no AI SDK call and no request to a known model provider was seen (--hosts names others)';
  const sum = (pick: (run: RunView) => number): number => runs.reduce((total, run) => total + pick(run), 0);
  const usage = runs.reduce<Usage>((total, run) => addUsage(total, run.usage), unknownUsage);
  const cost = sum((run) => run.counts.modelSteps) === 0 ? notAvailable : toCostSum(sumOfRuns(runs));
  const retries = sum((run) => run.counts.retries);
  const gaps = sum((run) => run.counts.gaps + run.counts.missing);
  const first = runs.filter((run) => run.parentRunId === null).at(-1) ?? runs[0]!;
  const look = address === null ? `tachograph show ${toShortId(first.id)}` : `${address}/runs/${first.id}`;
  const tries = `${toPlural(
    sum((run) => run.counts.attempts),
    'attempt',
  )}${retries === 0 ? '' : ` (${retries} retried)`}`;
  const parts = [
    toPlural(runs.length, 'run'),
    toPlural(
      sum((run) => run.counts.steps),
      'step',
    ),
    tries,
    `${toTokens(usage)} tokens`,
    `cost ${cost}`,
    toPlural(gaps, 'gap'),
  ];
  return `${parts.join(', ')} · ${look}`;
}

const complain = (place: CommandPlace, error: unknown): void =>
  place.terminal.note(`tachograph: ${errorToLine(error)}`);

/** One line: what the server has confirmed of what was recorded, and where to look. */
export function toSentLine({ records, runIds }: SentSummary, url: string): string {
  if (records === 0) return `nothing was sent to ${url}`;
  const base = url.replace(/\/+$/, '');
  const look = runIds.length === 1 ? ` · ${base}/runs/${runIds[0]}` : '';
  return `${toPlural(runIds.length, 'run')} (${toPlural(records, 'record')}) sent to ${url}${look}`;
}

/** Sends what the program left behind, and says how it went: what is not there yet stays and goes with the next run. */
async function endShipping(
  shipping: Shipping,
  flags: RunFlags & GlobalOptions,
  { terminal }: CommandPlace,
): Promise<void> {
  const { isAll, report } = await shipping.drain();
  const { url } = shipping;
  const sent = shipping.sent();
  if (flags.json === true) {
    terminal.note(JSON.stringify({ url, isAll, ...report, records: sent.records, runs: sent.runIds }));
    return;
  }
  if (isAll && flags.quiet !== true) terminal.note(`tachograph: ${toSentLine(sent, url)}`);
  if (report.foreign.length > 0) terminal.note(toForeignLine(report.foreign));
  if (!isAll)
    terminal.note(
      `tachograph: ${toBytes(report.waitingBytes)} of records wait for ${url}; they are safe here and go with the next run, or now: tachograph ship`,
    );
}

/** Switches that cannot be read are off, and the program itself has said so. */
function isSwitchedOff({ home, projectId }: OpenedHome): boolean {
  try {
    return !isRecorded(settingsToSwitches(() => readSettings(home), projectId)(null), false);
  } catch (error) {
    if (isTachographError(error)) return true;
    throw error;
  }
}

function exitAs(end: ChildEnd, place: CommandPlace): void {
  if (end.signal === null) {
    place.exit(end.code ?? 0);
    return;
  }
  place.exit(128 + constants.signals[end.signal]);
}

async function startChild(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildEnd> {
  try {
    return await runChild(command, env);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such command is in the PATH' : message;
    throw new TachographError('bad-argument', `${JSON.stringify(command[0])} cannot be started: ${why}.`, {
      cause: error,
    });
  }
}

/** `tachograph run -- <command>`: records a program without a change to it. */
export function addRun(program: Command, place: CommandPlace): void {
  program
    .command('run')
    .description(
      'Run a command and record every model call, retry and tool call in it. Its exit status, signals and output pass through.',
    )
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--hosts <list>', 'also record requests to these hosts, comma-separated (host, host:port, *.domain)')
    .option('--proxy', "also record programs in any language: point the SDKs' base-URL variables at a recording proxy")
    .option(
      '--proxy-upstream <name=url>',
      'forward /proxy/<name>/ to this base URL, besides the known providers; may be given several times',
      collect,
    )
    .option('--power', 'records also survive a power cut (slower)')
    .option('--quiet', 'no closing line')
    .passThroughOptions()
    .addHelpText(
      'after',
      examples(
        'tachograph run -- node agent.mjs',
        'tachograph run -- npm test',
        'tachograph run --proxy -- python agent.py',
      ),
    )
    .action(async (command: readonly string[], _flags: unknown, self: Command) => {
      const flags = optionsOf<RunFlags>(self);
      const sessionId = createIdSource().uuid();
      const opened = await openTachograph({
        ...(flags.home === undefined ? {} : { home: flags.home }),
        project: flags.project ?? chooseProject(process.env),
        ...(flags.database === undefined ? {} : { database: flags.database }),
        prices: readPricesOrShipped(chooseHome(flags.home), (error) =>
          place.terminal.note(`tachograph: ${(error as Error).message} The shipped prices are used.`),
        ),
      });
      let proxy: CommandProxy | null = null;
      try {
        opened.indexer.start();
        const shipping = openShipping(opened.home, process.env, (error) => complain(place, error));
        if (flags.proxy === true || flags.proxyUpstream !== undefined)
          proxy = await openCommandProxy(opened, {
            command,
            sessionId,
            upstreams: flags.proxyUpstream,
            isPowerSafe: flags.power === true,
            note: (text) => place.terminal.note(text),
            onError: (error) => complain(place, error),
          });
        const proxied = proxy?.variables ?? {};
        const end = await startChild(command, childEnvironment(opened, sessionId, { ...flags, proxied }));
        exitAs(end, place);
        await proxy?.close();
        proxy = null;
        if (shipping !== null) {
          await endShipping(shipping, flags, place);
          return;
        }
        await opened.indexer.catchUp();
        const runs = await sessionRuns(opened, sessionId);
        if (flags.json === true) place.terminal.note(JSON.stringify({ sessionId, runs: runs.map((run) => run.id) }));
        else if (flags.quiet !== true)
          place.terminal.note(
            `tachograph: ${toSummaryLine(runs, await readServerAddress(opened.home), isSwitchedOff(opened))}`,
          );
      } finally {
        await proxy?.close();
        await opened.close();
      }
    });
}
