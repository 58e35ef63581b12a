import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { RunView } from '../../src/core/model/run.ts';
import type { Page, Store } from '../../src/core/store.ts';
import { teamSecret } from '../end-to-end/team-server.ts';

const workerFile = fileURLToPath(new URL('shipping-worker.ts', import.meta.url));

/** Recorders in processes of their own that ship to a server, each with a ledger of the runs whose recording returned. */
export interface Load {
  readonly children: readonly ChildProcess[];
  /** Runs that were acknowledged, of all recorders. */
  acknowledged(): string[];
  /** kill -9 of all. */
  kill(): Promise<void>;
  /** The recorders' homes, whose outboxes may hold what is not sent. */
  readonly homes: readonly string[];
}

/** Starts recorders in folders below `folder`. */
export function startLoad(folder: string, url: string, { count = 2, isBuffered = false } = {}): Load {
  const names = Array.from({ length: count }, (_each, index) => `recorder-${index}`);
  const homes = names.map((name) => join(folder, name));
  const ledgers = names.map((name) => join(folder, `${name}.ledger`));
  for (const home of homes) mkdirSync(home, { recursive: true });
  const children = homes.map((home, index) =>
    spawn(process.execPath, [workerFile, home, url, ledgers[index]!, isBuffered ? '1' : '0', '15'], {
      stdio: 'ignore',
    }),
  );
  return {
    children,
    homes,
    acknowledged: () =>
      ledgers.flatMap((ledger) => (existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : [])),
    async kill() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

/** Opens a server's home as the server does. */
export const openServerHome = (home: string, database: string | null): Promise<OpenedHome> =>
  openTachograph({
    home,
    variables: { TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: database ?? '' },
  });

/** What a checker found of acknowledged runs: how many are not there whole, and what else is wrong with them. */
export interface Audit {
  readonly missing: number;
  readonly faults: readonly string[];
}

/**
 * What is wrong with the events of a run of three, or `null`. A server that saw its recorder dead before the rest had been
 * sent has ended it; the recorder's own end came later and stands.
 */
export async function findDoubles(store: Store, run: RunView): Promise<string | null> {
  if (run.lastSeq === 3) return null;
  const events = await store.listEvents('default', run.id);
  const own = events
    .filter(({ header }) => header.writerId === events[0]!.header.writerId)
    .map(({ header }) => header.n);
  const others = events.filter(({ header }) => header.writerId !== events[0]!.header.writerId);
  const isSwept = others.length === 1 && others[0]!.header.type === 'run-end';
  return own.join() === '1,2,3' && isSwept ? null : `${run.id} has ${events.length} events`;
}

/** Looks for every acknowledged run in a server's home: whole, once, sealed and intact. Each has three events. */
export async function audit(home: string, database: string | null, runIds: readonly string[]): Promise<Audit> {
  const opened = await openServerHome(home, database);
  const faults: string[] = [];
  let missing = 0;
  try {
    await opened.indexer.catchUp();
    const runById = new Map<string, RunView>();
    for (let cursor: string | null = null, isDone = false; !isDone;) {
      const page: Page<RunView> = await opened.store.listRuns(
        'default',
        {},
        { limit: 500, ...(cursor === null ? {} : { cursor }) },
      );
      for (const run of page.items) runById.set(run.id, run);
      cursor = page.nextCursor;
      isDone = cursor === null;
    }
    for (const [index, runId] of runIds.entries()) {
      const run = runById.get(runId);
      if (run?.status !== 'completed') {
        missing += 1;
        continue;
      }
      const doubles = await findDoubles(opened.store, run);
      if (doubles !== null) faults.push(doubles);
      if (index % 50 !== 0) continue;
      const { intact } = await opened.verify(runId);
      if (intact.verdict !== 'intact') faults.push(`${runId} is ${intact.verdict}`);
    }
    const due = await opened.store.listSealDue(10);
    if (due.length > 0) faults.push(`${due.length} runs or more wait for a seal`);
    const chain = await opened.checkSeals();
    if (chain !== null) faults.push(JSON.stringify(chain));
  } finally {
    await opened.close();
  }
  return { missing, faults };
}

/** Resident memory of a process in bytes; 0 where the system does not tell. */
export function residentBytes({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1024;
}
