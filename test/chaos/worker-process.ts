import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const workerFile = fileURLToPath(new URL('worker.ts', import.meta.url));

/** What a worker does; see worker.ts. */
export interface WorkerOptions {
  readonly home: string;
  readonly steps: number;
  readonly pauseMs?: number;
  readonly descriptors?: readonly [number, number];
  readonly clockSteps?: Readonly<Record<string, number>>;
  readonly isCareless?: boolean;
  /** Called when a step has ended, before the worker is read on. */
  readonly onStep?: (index: number) => void;
  /** Most open files of the process. */
  readonly openFilesMax?: number;
}

/** A worker that has come to its end. */
export interface WorkerEnd {
  readonly runId: string;
  /** `null` when it did not get so far. */
  readonly sum: number | null;
  readonly code: number | null;
  readonly errors: string;
  /** What the system said when the worker had opened all files it may. */
  readonly exhausted: string | null;
}

/** A worker in a process of its own, with its end to wait for. */
export function startWorker(options: WorkerOptions): {
  readonly child: ChildProcess;
  readonly end: Promise<WorkerEnd>;
} {
  const { onStep, openFilesMax, ...rest } = options;
  const orders = { pauseMs: 2, ...rest };
  const limit = openFilesMax === undefined ? '' : `ulimit -n ${openFilesMax}; `;
  const child = spawn('bash', ['-c', `${limit}exec "$0" "$1"`, process.execPath, workerFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WORKER_ORDERS: JSON.stringify(orders) },
  });
  return { child, end: readWorker(child, onStep) };
}

async function readWorker(child: ChildProcess, onStep: ((index: number) => void) | undefined): Promise<WorkerEnd> {
  const end = { runId: '', sum: null as number | null, exhausted: null as string | null };
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const gone = once(child, 'close') as Promise<[number | null]>;
  for await (const line of createInterface({ input: child.stdout! })) {
    const said = JSON.parse(line) as { run?: string; step?: number; sum?: number; exhausted?: string };
    end.runId = said.run ?? end.runId;
    end.sum = said.sum ?? end.sum;
    end.exhausted = said.exhausted ?? end.exhausted;
    if (said.step !== undefined) onStep?.(said.step);
  }
  const [code] = await gone;
  return { ...end, code, errors };
}

/** What `steps` steps of a worker sum up to. */
export const sumOf = (steps: number): number => (steps * (steps - 1)) / 2;
