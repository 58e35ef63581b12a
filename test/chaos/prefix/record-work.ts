// A program that does runs as work and dies in the middle of all of them. What was acknowledged it writes down elsewhere.
// Each worker has a journal of its own. Told by PREFIX_ORDERS.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { HandledRun, RunContext } from '../../../src/cli/work/open-work.ts';
import { openWork } from '../../../src/cli/work/open-work.ts';
import { createRandom } from '../../../src/testing/model-cases.ts';
import type { Moves } from './tape.ts';
import { act } from './tape.ts';
import { doWork } from './work-agent.ts';

/** What it is told. `first` creates the runs too; `sleeper` oversleeps its leases, and goes on when it is woken. */
export interface WorkOrders {
  readonly home: string;
  readonly seed: number;
  readonly role: 'first' | 'second' | 'sleeper';
  readonly agents: readonly string[];
}

const orders = JSON.parse(process.env['PREFIX_ORDERS'] ?? '{}') as WorkOrders;
const { home, role, agents } = orders;
const folder = join(home, 'journal', 'default');
const random = createRandom(orders.seed);
const pick = (below: number): number => Math.floor(random() * below);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
mkdirSync(join(home, 'done.keys'), { recursive: true });

/** The file of the worker that has this run. */
function fileOf(runId: string): { readonly writerId: string; readonly bytes: number } {
  const name = readdirSync(folder).find(
    (each) => each.includes(`-${process.pid}-`) && readFileSync(join(folder, each)).includes(runId),
  );
  if (name === undefined) throw new Error(`nobody recorded run ${runId}`);
  return { writerId: name.slice(-20, -4), bytes: statSync(join(folder, name)).size };
}

let words = 0;
function movesOf(context: RunContext): Moves {
  return {
    pick,
    open: [],
    word: () => `${role}${(words += 1)}${context.recorder.id.slice(-6)}`,
    tell: (told) => appendFileSync(join(home, 'ledger'), `${JSON.stringify({ ...fileOf(told.runId), ...told })}\n`),
  };
}

/** Lets those who wait here go on when all have come. */
function createBarrier(onLast: () => Promise<void> | void): () => Promise<void> {
  let arrived = 0;
  let open = (): void => undefined;
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  return async () => {
    arrived += 1;
    if (arrived < agents.length) return await isOpen;
    await onLast();
    open();
  };
}

const edge = createBarrier(() => undefined);
/** The whole process sleeps, so that it holds no lock of the store's file: that would stop everybody. */
const bed = createBarrier(async () => {
  process.stdout.write('asleep\n');
  process.kill(process.pid, 'SIGSTOP');
  await pause(1);
});
let fallen = 0;

/** All come here, then each records much at once, which only its journal has, and the process is gone. */
async function fall(context: RunContext, moves: Moves): Promise<never> {
  await edge();
  // Of a lease that is known to be lost nothing is recorded any more.
  for (let index = 0; index < 3; index += 1) if (!context.recorder.closed) act(moves, context.recorder);
  fallen += 1;
  if (fallen === agents.length) process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

/** The same past the end of its lease: what was open is ended, and something is begun. */
async function oversleep(context: RunContext, moves: Moves): Promise<never> {
  const step = context.recorder.step({ kind: 'phase', name: 'asleep' });
  await pause(300);
  await bed();
  step.finish({ status: 'completed' });
  return await fall(context, moves);
}

async function behind(name: string, _run: HandledRun, context: RunContext): Promise<void> {
  const moves = movesOf(context);
  if (role === 'sleeper' && name === 'note') await oversleep(context, moves);
  if (name === (role === 'second' ? 'second' : 'note')) await fall(context, moves);
}

function remembered(run: HandledRun, name: string): void {
  appendFileSync(join(home, 'remembered'), `${name} ${run.id}\n`);
}

for (const agentId of agents) {
  const work = await openWork({ home, variables: {}, onError: () => undefined });
  if (role !== 'second') {
    const { runId } = await work.createRun({ agentId, input: { of: agentId }, attemptsMax: 10 });
    appendFileSync(join(home, 'created'), `${runId}\n`);
  }
  const worker = work.createWorker({
    ...{ leaseMs: 1500, heartbeatMs: 300, reapMs: 100, pollMs: 30, scheduleMs: null },
    agents: { [agentId]: (run, context) => doWork(run, context, { done: join(home, 'done'), remembered, behind }) },
  });
  await worker.start();
}
