import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../../test/postgres/cluster.ts';
import { createWorld, toBatch } from '../../../testing/index.ts';
import { createPostgresStore, listenPostgres } from '../index.ts';

const until = async (isSo: () => boolean): Promise<void> => {
  for (let count = 0; !isSo() && count < 400; count += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(isSo()).toBe(true);
};

describe('hearing of changes in PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('rings for what another process wrote, also after the connection was lost', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url });
    await store.initialize();
    let rings = 0;
    const errors: unknown[] = [];
    const bell = await listenPostgres({ url, onChange: () => (rings += 1), onError: (error) => errors.push(error) });
    const run = createWorld().run();
    const write = () => store.importBatch(toBatch(run.step().take()));
    await write();
    await until(() => rings === 1);
    await runSql(superUrl, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN tachograph'`);
    await until(() => errors.length === 1 && rings === 2);
    expect(errors[0]).toMatchObject({ code: 'store-busy' });
    await write();
    await until(() => rings === 3);
    await bell.close();
    await write();
    await store.close();
    expect(rings).toBe(3);
  });

  it('refuses an address where nobody is', async () => {
    const { url } = await cluster().createDatabase();
    const options = { onChange: () => undefined };
    await expect(listenPostgres({ url: url.replace(/:\d+\//, ':1/'), ...options })).rejects.toMatchObject({
      code: 'store-busy',
    });
  });
});
