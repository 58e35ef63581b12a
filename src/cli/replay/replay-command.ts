import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import type { Command } from 'commander';
import { providerHosts } from '../../capture/fetch/hosts.ts';
import { TachographError } from '../../core/error.ts';
import { countedIn } from '../../core/import/counted-once.ts';
import type { HttpReplay, RecordedRun } from '../../replay/index.ts';
import { createHttpReplay, openStoredRun } from '../../replay/index.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { examples, exitStatus, optionsOf, withHome } from '../commands/command.ts';
import { openFilePlace } from '../export/file-place.ts';
import { isFileReference } from '../export/run-file-source.ts';
import { chooseHome } from '../open.ts';
import { toPlural } from '../print/figures.ts';
import { toVisible } from '../print/terminal.ts';
import { registerUrl } from '../register-url.ts';
import { findProgramRuns } from './program-runs.ts';
import type { ReplayServer } from './replay-server.ts';
import { startReplayServer } from './replay-server.ts';

interface ReplayFlags {
  readonly fromStep?: string;
  readonly hosts?: string;
  readonly standIn?: readonly string[];
  readonly record?: boolean;
  readonly quiet?: boolean;
}

/** A program that is told of a divergence gets so long to end by itself. */
const graceMs = 1000;
const patienceMs = 3000;

async function readRuns(reference: string, flags: GlobalOptions): Promise<readonly RecordedRun[]> {
  if (isFileReference(reference)) {
    const { store, projectId, run } = await openFilePlace(reference);
    return [await openStoredRun(store, projectId, run.id)];
  }
  return withHome(flags, async (opened) => {
    const runs = await findProgramRuns(opened, await opened.findRun(reference));
    const recorded: RecordedRun[] = [];
    for (const run of runs) recorded.push(await readWhole(await openStoredRun(opened.store, opened.projectId, run.id)));
    return recorded;
  });
}

/** A run with what its replay reads in memory: the home is closed while the program runs. */
async function readWhole(recorded: RecordedRun): Promise<RecordedRun> {
  const textByBody = new Map<object, string | null>();
  const textById = new Map<string, string | null>();
  const cutSteps = new Set<string>();
  for (const { stepId, requestBody, responseBody } of recorded.attempts) {
    for (const body of [requestBody, responseBody])
      if (body !== null) textByBody.set(body, await recorded.readBody(body));
    if (responseBody?.truncated === true) cutSteps.add(stepId);
  }
  for (const { id, responseId } of recorded.steps)
    if (cutSteps.has(id) && responseId !== null) textById.set(responseId, await recorded.readText(responseId));
  return {
    ...recorded,
    readBody: async (body) => (body === null ? null : (textByBody.get(body) ?? null)),
    readText: async (id) => (id === null ? null : (textById.get(id) ?? null)),
  };
}

function parseStep(text: string, what: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new TachographError('bad-argument', `${what} ${JSON.stringify(text)} is no step number; steps count from 1.`);
}

function readStandIns(given: readonly string[] = []): ReadonlyMap<number, string> {
  return new Map(
    given.map((text) => {
      const [step = '', ...rest] = text.split('=');
      const file = rest.join('=');
      try {
        return [parseStep(step, '--stand-in'), readFileSync(file, 'utf8')] as const;
      } catch (cause) {
        if (cause instanceof TachographError) throw cause;
        throw new TachographError('bad-argument', `The stand-in ${JSON.stringify(file)} cannot be read.`, { cause });
      }
    }),
  );
}

/** Why there is nothing to answer with. */
function toEmptyReason(runs: readonly RecordedRun[]): string {
  const ids = new Set(runs.map(({ run }) => run.id));
  const elsewhere = runs.flatMap(({ steps }) => steps.flatMap((step) => countedIn(step) ?? []));
  const missing = elsewhere.find((id) => !ids.has(id));
  return missing === undefined
    ? 'it was not recorded at the HTTP level'
    : `its model is a mixture, whose requests are in run ${missing}. Replay it from the home that has both`;
}

function createReplay(runs: readonly RecordedRun[], flags: ReplayFlags): HttpReplay {
  const liveFrom = flags.fromStep === undefined ? null : parseStep(flags.fromStep, '--from-step') + 1;
  const replay = createHttpReplay(runs, { liveFrom, bodyByStep: readStandIns(flags.standIn) });
  if (replay.total > 0 || liveFrom !== null) return replay;
  throw new TachographError(
    'replay-not-recorded',
    `Run ${runs[0]!.run.id} has no recorded requests to answer with: ${toEmptyReason(runs)}.`,
  );
}

function childEnvironment(url: string, replay: HttpReplay, flags: ReplayFlags & GlobalOptions): NodeJS.ProcessEnv {
  const before = process.env['NODE_OPTIONS'];
  const imports = `--import=${registerUrl()}`;
  const hosts = [
    ...providerHosts,
    ...replay.hosts,
    ...(flags.hosts ?? '').split(','),
    ...(process.env['TACHOGRAPH_HOSTS'] ?? '').split(','),
  ];
  const listed = hosts.filter((host) => host !== '');
  return {
    ...process.env,
    NODE_OPTIONS: before === undefined || before === '' ? imports : `${before} ${imports}`,
    TACHOGRAPH_HOME: chooseHome(flags.home),
    ...(flags.project === undefined ? {} : { TACHOGRAPH_PROJECT: flags.project }),
    TACHOGRAPH_REPLAY: url,
    TACHOGRAPH_REPLAY_HOSTS: listed.join(','),
    // What is recorded again comes from the replay, too: it is a model host like those that it stands for.
    ...(flags.record === true
      ? { TACHOGRAPH_HOSTS: [...listed, new URL(url).host].join(',') }
      : { TACHOGRAPH_DISABLED: '1' }),
  };
}

async function waitForEnd(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal === null ? (code ?? 0) : 128 + constants.signals[signal];
}

/** Ends a program that went its own way, first politely. */
function stopSoon(child: ChildProcess): void {
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), graceMs),
    setTimeout(() => child.kill('SIGKILL'), graceMs * 5),
  ];
  child.once('exit', () => timers.forEach((timer) => clearTimeout(timer)));
}

interface Outcome {
  readonly status: number;
  readonly error: TachographError | null;
  readonly live: number;
}

async function runProgram(
  command: readonly string[],
  replay: HttpReplay,
  flags: ReplayFlags & GlobalOptions,
): Promise<Outcome> {
  const children: ChildProcess[] = [];
  const server: ReplayServer = await startReplayServer({
    replay,
    patienceMs,
    onFailure: () => children.forEach(stopSoon),
  });
  try {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: 'inherit',
      env: childEnvironment(server.url, replay, flags),
    });
    children.push(child);
    const status = await waitForEnd(child);
    return { status, error: server.failure ?? replay.verdict(), live: server.live };
  } catch (cause) {
    throw new TachographError(
      'bad-argument',
      `${JSON.stringify(command[0])} cannot be started: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  } finally {
    await server.close();
  }
}

function report(
  outcome: Outcome,
  replay: HttpReplay,
  of: { flags: ReplayFlags & GlobalOptions; place: CommandPlace },
): void {
  const { error, live, status } = outcome;
  const { terminal } = of.place;
  of.place.exit(error === null ? status : exitStatus.wanting);
  if (of.flags.json === true) {
    const told = error === null ? null : { code: error.code, message: error.message };
    terminal.note(
      JSON.stringify({
        answered: replay.answered,
        recorded: replay.total,
        remade: replay.remade,
        live,
        status,
        error: told,
      }),
    );
    return;
  }
  if (error !== null) terminal.note(`tachograph: ${toVisible(error.message)} [${error.code}]`);
  else if (of.flags.quiet !== true) {
    const made =
      replay.remade === 0 ? '' : `, ${replay.remade} longer than the recorder’s limit made anew from its step`;
    const passed = `${live === 0 ? 'none asked live' : `${live} asked live`}${made}`;
    terminal.note(`tachograph: replayed ${toPlural(replay.answered, 'request')} of ${replay.total}, ${passed}`);
  }
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `tachograph replay <run> -- <command>`: runs a program against what a run of it recorded. */
export function addReplay(program: Command, place: CommandPlace): void {
  program
    .command('replay')
    .description(
      'Run a program against a recording: its requests to model hosts are answered from it, and the network is off for them. ' +
        'Its tools run as ever. Exit status 1 where the program asks something else than it did.',
    )
    .argument('<run>', 'run id, the beginning of one, or "last"; or a run file')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--from-step <n>', 'answer up to this step of the run, then go live')
    .option('--hosts <list>', 'more model hosts, comma-separated (host, host:port, *.domain)')
    .option('--stand-in <n=file>', 'the body to answer step n with where it was not recorded word for word', collect)
    .option('--record', 'record the new run, too')
    .option('--quiet', 'no closing line')
    .addHelpText(
      'after',
      examples(
        'tachograph replay last -- node agent.mjs',
        'tachograph replay 019a9f3e --from-step 4 -- node agent.mjs',
      ),
    )
    .action(async (reference: string, command: readonly string[], _flags: unknown, self: Command) => {
      const flags = optionsOf<ReplayFlags>(self);
      const replay = createReplay(await readRuns(reference, flags), flags);
      report(await runProgram(command, replay, flags), replay, { flags, place });
    });
}
