import { describe, expect } from 'vitest';
import { createRuns, createWorker } from '../../src/runtime/index.ts';
import type { RunRequest } from '../../src/core/work/request.ts';
import type { Cut } from './database-relay.ts';
import { openRelay } from './database-relay.ts';
import { auditRuns, haveEnded, readRun } from './work/checker.ts';
import { isLong, usePlaces } from './work/places.ts';
import type { OpenSite, Site } from './work/site.ts';
import { makeProject, openSite } from './work/site.ts';

// A connection that ends between every two statements while a run is created and done. Whoever created it asks again, the
// worker goes on or another lease does, and all stands as if nothing had happened.

const places = usePlaces();
const parallel = 6;
/** Statements of a run's life, from its creation to its end; behind them a worker only looks for more. */
const statementsMax = 40;
const sides = ['asked', 'answered'] as const;
const cuts: readonly Cut[] = Array.from({ length: statementsMax }, (_each, index) => index + 1)
  .flatMap((at) => sides.map((side): Cut => ({ side, type: side === 'asked' ? 'S' : 'Z', at })))
  .filter((_cut, index) => isLong || index % 5 === 2);

interface Effect {
  readonly runId: string;
  readonly key: string;
}

/** Asks until it is answered, as one who creates runs does. */
async function createAnyhow(at: OpenSite, projectId: string, request: RunRequest): Promise<string> {
  const runs = createRuns(at.parts);
  for (let tries = 0; ; tries += 1) {
    try {
      return (await runs.create(projectId, request)).runId;
    } catch (error) {
      if (tries >= 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A run's life over a connection that is cut once, in a project of its own. */
async function liveThrough(site: Site, projectId: string, cut: Cut, isKeyed: boolean) {
  const relay = await openRelay(site.database!);
  const at = await openSite({ home: site.home, database: relay.url });
  const effects: Effect[] = [];
  const worker = createWorker(at.parts, {
    projectIds: [projectId],
    ...{ leaseMs: 1500, heartbeatMs: 300, reapMs: 200, pollMs: 100, scheduleMs: null },
    agents: {
      cut: {
        retry: { paceByClass: { other: { baseMs: 10, maxMs: 50 }, network: { baseMs: 10, maxMs: 50 } } },
        async run(run, context) {
          const first = await context.step('first', () => 1);
          await context.tool(
            'note',
            { first },
            (_args, { idempotencyKey }) => void effects.push({ runId: run.id, key: idempotencyKey }),
            { class: 'idempotent' },
          );
          return { last: await context.step('last', () => first + 1) };
        },
      },
    },
  });
  try {
    await makeProject(at, projectId);
    relay.cut(cut);
    const key = isKeyed ? { idempotencyKey: 'one' } : {};
    const runId = await createAnyhow(at, projectId, { agentId: 'cut', attemptsMax: 10, ...key });
    await worker.start();
    const end = await haveEnded(at, [runId], { projectOf: () => projectId }).catch((error: unknown) => String(error));
    return {
      projectId,
      runId,
      end,
      wasCut: relay.wasCut(),
      keys: new Set(effects.map(({ key: one }) => one)).size,
    };
  } finally {
    await worker.stop({ graceMs: 0 });
    await at.close();
    await relay.close();
  }
}

async function liveThroughAll(site: Site, all: readonly Cut[], isKeyed: boolean) {
  const waiting = [...all.entries()];
  const lives: Awaited<ReturnType<typeof liveThrough>>[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      lives.push(await liveThrough(site, `cut-${next[0]}`, next[1], isKeyed));
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return lives;
}

/** What is wrong with the lives of these runs. */
async function findFaults(site: Site, lives: Awaited<ReturnType<typeof liveThroughAll>>): Promise<string[]> {
  const at = await places.open(site);
  const faults: string[] = [];
  for (const { projectId, runId, end, keys } of lives) {
    const { items } = await at.parts.work.list(projectId, {}, { limit: 10 });
    if (items.length !== 1) faults.push(`${projectId} has ${items.length} runs`);
    if (end !== true || keys !== 1) faults.push(`${projectId}: ended ${end}, ${keys} keys`);
    if (end !== true) continue;
    const { row, view } = await readRun(at, runId, projectId);
    if (row.state !== 'completed' || view.summary.lastOutput !== '2')
      faults.push(`${projectId} is ${row.state} with ${view.summary.lastOutput}`);
  }
  return faults;
}

describe('a connection that ends between two statements of a run', () => {
  places.it(
    'PostgreSQL',
    `leaves the same run behind, wherever of ${cuts.length} places it ends`,
    async () => {
      const site = await places.site('PostgreSQL');
      const lives = await liveThroughAll(site, cuts, true);
      expect(lives.filter(({ wasCut }) => wasCut).length).toBeGreaterThan(cuts.length / 2);
      expect(await findFaults(site, lives)).toEqual([]);
      const projectByRun = new Map(lives.map(({ runId, projectId }) => [runId, projectId]));
      expect(await auditRuns(site, [...projectByRun.keys()], (runId) => projectByRun.get(runId)!)).toEqual([]);
    },
    { isLarger: true },
  );

  places.it('PostgreSQL', 'leaves two runs behind when they have no key: the check can fail', async () => {
    const site = await places.site('PostgreSQL');
    const answers = Array.from({ length: 8 }, (_each, index): Cut => ({ side: 'answered', type: 'Z', at: index + 1 }));
    expect(await findFaults(site, await liveThroughAll(site, answers, false))).not.toEqual([]);
  });
});
