import { expect, it } from 'vitest';
import { createIdSource } from '../../src/core/id.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import { createOwnEvents } from '../../src/indexer/own-events.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { createWorld, toBatch } from '../../src/testing/world.ts';

const end = { type: 'run-end', facts: { endReason: 'interrupted', durationMs: null, swept: true } } as const;

it('an end that the store refused waits: neither lost, nor written twice, nor into another project (I10)', async () => {
  const store = createMemoryStore();
  await store.initialize();
  const world = createWorld();
  const [one, other] = [world.run(), world.run()];
  await store.importBatch(toBatch(one.entries, 'one'));
  await store.importBatch(toBatch(other.entries, 'other'));
  let isBusy = true;
  const own = createOwnEvents({
    store: {
      ...store,
      importBatch: (batch) => (isBusy ? Promise.reject(new Error('busy')) : store.importBatch(batch)),
    },
    clock: systemClock,
    ids: createIdSource(systemClock),
    redactor: createRedactor({ key: new Uint8Array(32) }),
    onImported: () => undefined,
  });
  const view = await store.getRun('one', one.id);
  own.emit(view, end);
  await expect(own.importInto('one')).rejects.toThrow('busy');
  isBusy = false;
  own.emit(await store.getRun('other', other.id), end);
  await own.importInto('other');
  own.emit(view, end);
  await own.importInto('one');
  for (const [project, run] of [
    ['one', one],
    ['other', other],
  ] as const) {
    expect(await store.getRun(project, run.id)).toMatchObject({ endReason: 'interrupted', counts: { missing: 0 } });
    expect((await store.listEvents(project, run.id)).map(({ header }) => [header.type, header.n])).toEqual([
      ['run-create', 1],
      ['run-end', 1],
    ]);
  }
  expect((await store.listRuns('other', {}, {})).items).toHaveLength(1);
});
