import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isTachographError } from '../../src/core/error.ts';
import { statusByCode } from '../../src/server/problem.ts';
import { usePlaces } from './work/places.ts';
import type { CreatorOrders } from './work/creator.ts';
import type { Sabotage } from './work/sabotage.ts';
import type { Site } from './work/site.ts';
import { storeKinds } from './work/site.ts';

// One event, one run, however many ask for it at once, from however many processes (I8).

const places = usePlaces();
const creatorFile = fileURLToPath(new URL('work/creator.ts', import.meta.url));

interface Answer {
  readonly event: string;
  readonly runId: string;
  readonly duplicate: boolean;
}

/** What a program that creates runs was answered. */
async function create(site: Site, orders: Pick<CreatorOrders, 'events' | 'times' | 'sabotage'>): Promise<Answer[]> {
  const { home, database } = site;
  const child = spawn(process.execPath, [creatorFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WORK_ORDERS: JSON.stringify({ home, database, ...orders }) },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(text) as Answer[];
}

/** Every event is asked for `processes` × `times` times; what is wrong with the answers and with the store. */
async function findFaults(
  site: Site,
  asked: { readonly events: number; readonly processes: number; readonly times: number; readonly sabotage?: Sabotage },
): Promise<string[]> {
  const { processes, events, times, sabotage = {} } = asked;
  const answers = (
    await Promise.all(Array.from({ length: processes }, () => create(site, { events, times, sabotage })))
  ).flat();
  const faults: string[] = [];
  if (answers.length !== events * processes * times) faults.push(`${answers.length} answers`);
  for (const [event, given = []] of Object.entries(Object.groupBy(answers, (answer) => answer.event))) {
    const runs = new Set(given.map(({ runId }) => runId)).size;
    const first = given.filter(({ duplicate }) => !duplicate).length;
    if (runs !== 1 || first !== 1) faults.push(`${event} has ${runs} runs, ${first} of them created`);
  }
  const at = await places.open(site);
  const [counted] = await at.parts.work.counts('default');
  if (counted?.count !== events) faults.push(`the store has ${counted?.count} runs`);
  await at.parts.work.file('default');
  const recorded = await at.opened.store.countRuns('default', {});
  if (recorded !== events) faults.push(`the record has ${recorded} runs`);
  return faults;
}

async function codeOf(fn: () => Promise<unknown>): Promise<string | null> {
  try {
    await fn();
    return null;
  } catch (error) {
    if (isTachographError(error)) return error.code;
    throw error;
  }
}

const event = { agentId: 'count', channelType: 'mail', providerEventId: 'one' } as const;

const openOne = async (kind: (typeof storeKinds)[number], sabotage: Sabotage = {}) =>
  places.open(await places.site(kind), sabotage);

describe.each(storeKinds)('creating runs on %s', (kind) => {
  places.it(
    kind,
    'makes 100 runs of 100 events that are asked for 20 times each, and gives 2,000 right answers',
    async () => {
      const site = await places.site(kind);
      expect(await findFaults(site, { events: 100, processes: 4, times: 5 })).toEqual([]);
    },
  );

  places.it(kind, 'makes more when keys are forgotten: the check can fail', async () => {
    const site = await places.site(kind);
    const sabotage = { forgetsKeys: true };
    expect(await findFaults(site, { events: 5, processes: 2, times: 2, sabotage })).not.toEqual([]);
  });

  places.it(kind, 'refuses a key that was used with another input, {} included', async () => {
    const { runs } = await openOne(kind);
    const { runId } = await runs.create('default', { ...event, input: { a: 1, b: 2 } });
    expect(await runs.create('default', { ...event, input: { b: 2, a: 1 } })).toEqual({ runId, duplicate: true });
    for (const input of [{ a: 1 }, {}, null])
      expect(await codeOf(() => runs.create('default', { ...event, input }))).toBe('idempotency-conflict');
    expect(statusByCode['idempotency-conflict']).toBe(422);
  });

  places.it(kind, 'takes the same event of another project for another one', async () => {
    const { runs, parts } = await openOne(kind);
    const one = await runs.create('default', { ...event, input: { a: 1 } });
    const two = await runs.create('other', { ...event, input: { a: 2 } });
    expect(two).toMatchObject({ duplicate: false });
    expect(two.runId).not.toBe(one.runId);
    expect(await parts.work.get('other', one.runId)).toBeNull();
  });
});

it('takes another input when inputs are not compared: the check can fail', async () => {
  const { runs } = await openOne('SQLite', { ignoresInputs: true });
  await runs.create('default', { ...event, input: { a: 1 } });
  expect(await codeOf(() => runs.create('default', { ...event, input: { a: 2 } }))).toBeNull();
});

it('takes events of two projects for one when projects are not told apart: the check can fail', async () => {
  const { runs } = await openOne('SQLite', { mixesProjects: true });
  const one = await runs.create('default', { ...event, input: { a: 1 } });
  expect(await runs.create('other', { ...event, input: { a: 1 } })).toEqual({ runId: one.runId, duplicate: true });
});
