import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { TachographError } from '../../../src/core/error.ts';
import type { AgentRegistration, HandledRun, RunContext, RuntimeParts } from '../../../src/runtime/index.ts';
import { dieHere } from './sabotage.ts';

/*
 * What the worker program can do. A tool changes the world by a line in the ledger: it is written before the tool returns,
 * outlives its process, and is read by nobody but the checker.
 */

/** What a run is given to do. */
export interface Task {
  /** How many steps or calls. */
  readonly steps?: number;
  /** How long each takes. */
  readonly ms?: number;
  /** Where the process kills itself in its first attempt. */
  readonly dieAt?: 'call-begun' | 'call-done';
}

/** What agents need of their program. */
export interface AgentSurroundings {
  readonly parts: RuntimeParts;
  readonly ledger: string;
  readonly say: (line: Readonly<Record<string, unknown>>) => void;
  /** The negative control of keys: each lease has one of its own. */
  readonly hasOwnKeys: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const taskOf = (run: HandledRun): Task => run.input as Task;

/** Steps, and at the end an effect that another attempt does not do again. */
async function count(of: AgentSurroundings, run: HandledRun, context: RunContext): Promise<unknown> {
  const { steps = 3, ms = 20 } = taskOf(run);
  let sum = 0;
  for (let index = 0; index < steps; index += 1)
    sum += await context.step(`add-${index}`, async () => {
      await pause(ms);
      return index;
    });
  await context.tool('note', { sum }, (_args, { idempotencyKey }) => writeOnce(of, ['note', run.id, idempotencyKey]), {
    class: 'idempotent',
  });
  return { total: sum };
}

/** What is done twice with one key is done once, as a provider does that takes idempotency keys. */
function writeOnce(of: AgentSurroundings, words: readonly string[]): { readonly done: string } {
  const key = words.at(-1)!;
  appendFileSync(of.ledger, `${['call', ...words].join(' ')}\n`);
  try {
    writeFileSync(join(`${of.ledger}.keys`, key), words.join(' '), { flag: 'wx' });
    appendFileSync(of.ledger, `${['effect', ...words].join(' ')}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return { done: key };
}

/** An effect that must not be done twice. */
async function pay(of: AgentSurroundings, run: HandledRun, context: RunContext): Promise<unknown> {
  const { dieAt } = taskOf(run);
  await context.step('think', () => 1);
  await context.tool(
    'pay',
    { amount: 7 },
    async () => {
      appendFileSync(of.ledger, `effect pay ${run.id}\n`);
      if (dieAt === 'call-begun' && run.attempt === 1) await dieHere();
      return { paid: true };
    },
    { class: 'destructive' },
  );
  return { isPaid: true };
}

/** An effect that may be asked for twice, under one key. */
async function notify(of: AgentSurroundings, run: HandledRun, context: RunContext): Promise<unknown> {
  const { dieAt } = taskOf(run);
  const own = of.hasOwnKeys ? { idempotencyKey: `${run.id}-${run.leaseEpoch}` } : {};
  await context.tool(
    'notify',
    { to: 'somebody' },
    async (_args, { idempotencyKey }) => {
      const answer = writeOnce(of, ['notify', run.id, idempotencyKey]);
      if (dieAt === 'call-begun' && run.attempt === 1) await dieHere();
      return answer;
    },
    { class: 'idempotent', ...own },
  );
  return { isTold: true };
}

/** A bit of everything: what a run's work is made of. */
async function tour(of: AgentSurroundings, run: HandledRun, context: RunContext): Promise<unknown> {
  const first = await context.step('first', () => 1);
  await context.tool('look', {}, () => ({ seen: true }), { class: 'read' });
  await notify(of, run, context);
  await pay(of, run, context);
  const last = await context.step('last', () => 2);
  return { sum: first + last };
}

/** Heeds no signal; when its process goes on after its lease was lost, it tries all that it must not. */
async function sleeper(of: AgentSurroundings, run: HandledRun, context: RunContext): Promise<unknown> {
  const { ms = 50 } = taskOf(run);
  const { projectId, id: runId, leaseEpoch } = run;
  // Only the first one oversleeps.
  if (leaseEpoch > 1) return { by: leaseEpoch };
  const open = context.recorder.step({ kind: 'phase', name: 'asleep' });
  await of.parts.recorderOf(projectId).settle();
  of.say({ asleep: runId });
  await pause(ms);
  // By itself, so that it holds no lock of the store's file meanwhile: that would stop everybody.
  process.kill(process.pid, 'SIGSTOP');
  await pause(100);
  open.finish({ status: 'completed', result: 'late' });
  context.recorder.step({ kind: 'phase', name: 'after the lease' }).finish({ status: 'completed' });
  of.say({ late: runId, writes: await tryWrites(of, { projectId, runId, leaseEpoch }, context) });
  return { by: leaseEpoch };
}

/** True for each kind of write that was taken. */
async function tryWrites(
  { parts }: AgentSurroundings,
  lease: { readonly projectId: string; readonly runId: string; readonly leaseEpoch: number },
  context: RunContext,
): Promise<Readonly<Record<string, boolean>>> {
  const { projectId, runId, leaseEpoch } = lease;
  const { work } = parts;
  const ref = { runId, leaseEpoch };
  const row = (await work.get(projectId, runId))!;
  const [beat] = await work.heartbeat(projectId, [ref], 30_000);
  const next = { ...row, state: 'failed', endReason: 'error', finishedAtMs: row.createdAtMs } as const;
  const [changed] = await work.change(projectId, [
    { runId, expected: { state: 'running', leaseEpoch, isHeld: true }, next, entries: [] },
  ]);
  const taken = async (write: () => Promise<unknown>): Promise<boolean> => {
    try {
      await write();
      return true;
    } catch (error) {
      if (error instanceof TachographError && error.code.startsWith('E-RUN-')) return false;
      throw error;
    }
  };
  return {
    memo: await work.putMemos(projectId, ref, []),
    beat: beat!.isHeld,
    change: changed!,
    step: await taken(() => context.step('after', () => 1)),
    tool: await taken(() => context.tool('after', {}, () => 1, { class: 'destructive' })),
    fence: await taken(() => context.fence()),
    child: await taken(() => context.startRun({ agentId: 'count' })),
  };
}

/** Never comes back, and heeds nothing. */
const hang = (): Promise<never> => new Promise(() => undefined);

/** Never lets anybody else have a turn. */
function spin(of: AgentSurroundings): never {
  of.say({ spinning: true });
  for (;;) Math.sqrt(2);
}

/** The agents of the worker program. Each says when it begins. */
export function createAgents(of: AgentSurroundings): Readonly<Record<string, AgentRegistration>> {
  const doneByAgent: Readonly<Record<string, (run: HandledRun, context: RunContext) => unknown>> = {
    count: (run, context) => count(of, run, context),
    pay: (run, context) => pay(of, run, context),
    notify: (run, context) => notify(of, run, context),
    tour: (run, context) => tour(of, run, context),
    sleeper: (run, context) => sleeper(of, run, context),
    // A vendor's client takes its time to load, and the others do without.
    stream: async (run) => (await import('./stream-agent.ts')).stream(of.parts, run),
    hang,
    spin: () => spin(of),
    poison: () => dieHere(),
    broken: () => {
      throw new Error('this run cannot be done');
    },
  };
  const quick = { baseMs: 20, maxMs: 50 };
  const retry = { paceByClass: { other: quick, network: quick, server: quick } };
  return Object.fromEntries(
    Object.entries(doneByAgent).map(([agentId, done]) => [
      agentId,
      {
        retry,
        run: (run: HandledRun, context: RunContext) => {
          appendFileSync(of.ledger, `begin ${run.id} ${run.leaseEpoch} ${process.pid}\n`);
          return done(run, context);
        },
      },
    ]),
  );
}
