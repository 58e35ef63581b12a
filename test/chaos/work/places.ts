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
  /**
   * A test on one of the stores; without PostgreSQL it is skipped with the reason. In the long form it is done once in each
   * round, in fresh places; one that is a larger one then, or shows that a check can fail, is done once.
   */
  it(kind: StoreKind, title: string, body: () => Promise<void>, options?: { readonly isLarger?: boolean }): void;
}

/** The places of a test file. */
export function usePlaces(): Places {
  const on = onPostgres();
  const folders: string[] = [];
  const opened: OpenSite[] = [];
  const workers: WorkerProcess[] = [];
  const clean = async (): Promise<void> => {
    await killAll(workers.splice(0));
    for (const each of opened.splice(0)) await each.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  };
  afterEach(clean);
  const inRounds = (title: string, body: () => Promise<void>) => async (): Promise<void> => {
    for (let round = 1; round <= rounds; round += 1) {
      await body();
      await clean();
      if (round % 10 === 0) process.stderr.write(`round ${round} of ${rounds}: ${title}\n`);
    }
  };
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
    it(kind, title, body, { isLarger = false } = {}) {
      const whole = isLarger || !isLong || title.includes('the check can fail') ? body : inRounds(title, body);
      if (kind === 'PostgreSQL') on.it(title, whole);
      else it(title, whole);
    },
  };
}

/** Resolves after a time. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether this is the long form. */
export const isLong = process.env['TACHOGRAPH_CHAOS_ROUNDS'] !== undefined;

const rounds = Number(process.env['TACHOGRAPH_CHAOS_ROUNDS'] ?? 1);
