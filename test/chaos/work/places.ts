import process from 'node:process';
import { rmSync } from 'node:fs';
import { afterEach, it } from 'vitest';
import type { OnPostgres } from '../../postgres/cluster.ts';
import { onPostgres } from '../../postgres/cluster.ts';
import type { WorkerOrders, WorkerProcess } from './process.ts';
import { killAll, startWorkProcess } from './process.ts';
import type { OpenSite, Site, StoreKind } from './site.ts';
import { createSite, openSite } from './site.ts';
import type { Sabotage } from './sabotage.ts';

type OwnOrders = Omit<WorkerOrders, 'home' | 'database' | 'ledger' | 'workerId'>;

/** Places and processes of one test file: all that a test opened is closed behind it. */
export interface Places {
  readonly on: OnPostgres;
  /** A fresh place. */
  site(kind: StoreKind): Promise<Site>;
  /** Opens it in this process, with protections off. */
  open(site: Site, sabotage?: Sabotage): Promise<OpenSite>;
  /** Starts a worker over it in a process of its own. */
  start(site: Site, orders: OwnOrders): WorkerProcess;
  /** A test on one of the stores; without PostgreSQL it is skipped with the reason. */
  it(kind: StoreKind, title: string, body: () => Promise<void>): void;
}

/** The places of a test file. */
export function usePlaces(): Places {
  const on = onPostgres();
  const folders: string[] = [];
  const opened: OpenSite[] = [];
  const workers: WorkerProcess[] = [];
  afterEach(async () => {
    await killAll(workers.splice(0));
    for (const each of opened.splice(0)) await each.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return {
    on,
    async site(kind) {
      const site = await createSite(kind, on);
      folders.push(site.home);
      return site;
    },
    async open(site, sabotage) {
      const open = await openSite(site, sabotage === undefined ? {} : { sabotage });
      opened.push(open);
      return open;
    },
    start(site, orders) {
      const worker = startWorkProcess(site, orders);
      workers.push(worker);
      return worker;
    },
    it: (kind, title, body) => (kind === 'PostgreSQL' ? on.it(title, body) : it(title, body)),
  };
}

/** Resolves after a time. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether this is the long form, and how often it does a thing. */
export const isLong = process.env['TACHOGRAPH_CHAOS_ROUNDS'] !== undefined;
