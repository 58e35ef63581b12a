import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ClockShift } from './clock.ts';
import type { Sabotage } from './sabotage.ts';
import type { Site } from './site.ts';

const workerFile = fileURLToPath(new URL('worker.ts', import.meta.url));

/** What a worker program is told. Times in milliseconds. */
export interface WorkerOrders {
  readonly home: string;
  readonly database: string | null;
  readonly ledger: string;
  readonly workerId: string;
  readonly agents: readonly string[];
  readonly leaseMs: number;
  readonly heartbeatMs?: number;
  readonly reapMs?: number | null;
  readonly pollMs?: number;
  readonly graceMs?: number;
  readonly concurrency?: number;
  readonly projectIds?: readonly string[] | 'all';
  readonly sabotage?: Sabotage;
  readonly hasOwnKeys?: boolean;
  /** The calls of its runs are governed; a reservation without an end is held for so long. */
  readonly holdMs?: number;
  readonly clock?: ClockShift;
}

/** A line that a worker program says. */
export type Said = Readonly<Record<string, unknown>>;

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly workerId: string;
  readonly child: ChildProcess;
  readonly said: readonly Said[];
  /** Resolves with the first line that has this field, said already or not. Rejects when it ends without. */
  hears(field: string): Promise<Said>;
  readonly isOver: boolean;
  /** Its end: the exit code, or `null` for one that was killed. */
  readonly end: Promise<number | null>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

let workers = 0;

/** Starts a worker over a place; its id is its own. */
export function startWorkProcess(
  site: Site,
  orders: Omit<WorkerOrders, 'home' | 'database' | 'ledger' | 'workerId'>,
): WorkerProcess {
  workers += 1;
  const workerId = `worker-${workers}`;
  const { home, database, ledger } = site;
  const child = spawn(process.execPath, [workerFile], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, WORK_ORDERS: JSON.stringify({ home, database, ledger, workerId, ...orders }) },
  });
  const said: Said[] = [];
  const listeners = new Set<(line: Said | null) => void>();
  let errors = '';
  child.stdin!.on('error', () => undefined);
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface({ input: child.stdout! }).on('line', (text) => {
    const line = JSON.parse(text) as Said;
    said.push(line);
    for (const listener of listeners) listener(line);
  });
  const end = once(child, 'close').then(([code]) => {
    for (const listener of listeners) listener(null);
    return code as number | null;
  });
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    workerId,
    child,
    said,
    end,
    get isOver() {
      return isOver();
    },
    hears(field) {
      const before = said.find((line) => field in line);
      if (before !== undefined) return Promise.resolve(before);
      return new Promise((resolve, reject) => {
        const listener = (line: Said | null): void => {
          if (line !== null && !(field in line)) return;
          listeners.delete(listener);
          if (line !== null) resolve(line);
          else reject(new Error(`worker ${workerId} ended and never said "${field}": ${errors}`));
        };
        listeners.add(listener);
      });
    },
    async kill() {
      if (!isOver()) child.kill('SIGKILL');
      await end;
    },
  };
}

/** Kills those of the workers that still live. */
export async function killAll(all: readonly WorkerProcess[]): Promise<void> {
  await Promise.all(all.map((each) => each.kill()));
}
