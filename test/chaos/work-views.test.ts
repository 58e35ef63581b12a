// Views of runs as work are those that are rebuilt from their events (I11), also where contents are shared.
import { expect, it } from 'vitest';
import { createWorker } from '../../src/runtime/index.ts';
import { haveEnded } from './work/checker.ts';
import { usePlaces } from './work/places.ts';

const places = usePlaces();

async function differences(count: number, toArgs: () => unknown, toResult: () => unknown, toOutput: () => unknown) {
  const at = await places.open(await places.site('SQLite'));
  const created = await at.runs.create(
    'default',
    Array.from({ length: count }, () => ({ agentId: 'a' })),
  );
  const runIds = created.map(({ runId }) => runId);
  const worker = createWorker(at.parts, {
    projectIds: ['default'],
    concurrency: 6,
    agents: {
      async a(_run, context) {
        await context.step('wait', () => new Promise((resolve) => setTimeout(() => resolve(1), 50)));
        await context.tool('t', toArgs(), toResult, { class: 'idempotent' });
        return toOutput();
      },
    },
  });
  await worker.start();
  expect(await haveEnded(at, runIds)).toBe(true);
  await worker.stop({ graceMs: 0 });
  await at.parts.work.file('default');
  const found: string[] = [];
  for (const runId of runIds) found.push(...(await at.opened.store.rebuildRun('default', runId)));
  return found;
}

// A content is stored under the kind that it came with first; a preview goes by what it stands for.
it('output equal to a tool result or its arguments', async () => {
  expect(
    await differences(
      1,
      () => ({ sum: 1 }),
      () => ({ ok: 1 }),
      () => ({ sum: 1 }),
    ),
  ).toEqual([]);
});

// One run's last entries go with its end and wait to be filed; what another names of their contents comes before.
it('equal results of runs that end at the same time', async () => {
  for (let tries = 0; tries < 6; tries += 1)
    expect(
      await differences(
        6,
        () => ({}),
        () => ({ done: true }),
        () => null,
      ),
    ).toEqual([]);
}, 60_000);
