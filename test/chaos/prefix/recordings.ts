import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createFileLock } from '../../../src/indexer/index.ts';
import type { PlainOrders } from './record-plain.ts';
import type { WorkOrders } from './record-work.ts';
import type { Player, Scene } from './scene.ts';
import { readScene, startPlayer } from './scene.ts';

/** Records 35 runs in 29 files: alone, nested, apart, shared, erased, and known to the store by half. */
export async function recordPlain(home: string, options: Pick<PlainOrders, 'seed' | 'isBuffered'>): Promise<Scene> {
  mkdirSync(home, { recursive: true });
  await startPlayer('record-plain.ts', { home, ...options }).death;
  return await readScene(home);
}

/** The agents of the runs that are work; each has one run. */
export const workAgents = Array.from({ length: 15 }, (_unused, index) => `agent-${index}`);
const [sleepers, heirs] = [workAgents.slice(0, 2), workAgents.slice(0, 9)];
const leaseMs = 1500;

/**
 * Records 15 runs as work. Six lost the lease of one dead worker; seven those of two; two that of a worker that slept and
 * woke when another had the run, and of that one. What died with a worker is in its journal only: nobody imports meanwhile.
 */
export async function recordWork(home: string, seed: number): Promise<Scene> {
  mkdirSync(home, { recursive: true });
  const lock = createFileLock(join(home, 'indexer.lock'));
  if (!lock.acquire()) throw new Error('somebody else has the indexer');
  const players: Player[] = [];
  const start = (orders: Omit<WorkOrders, 'home' | 'seed'>): Player => {
    const player = startPlayer('record-work.ts', { home, seed, ...orders });
    players.push(player);
    return player;
  };
  try {
    await start({ role: 'first', agents: workAgents.slice(2) }).death;
    const sleeper = start({ role: 'sleeper', agents: sleepers });
    await sleeper.firstWord;
    await start({ role: 'second', agents: heirs }).death;
    sleeper.wake();
    await sleeper.death;
    await new Promise((resolve) => setTimeout(resolve, leaseMs));
  } finally {
    for (const { kill } of players) kill();
    lock.release();
  }
  return await readScene(home);
}
