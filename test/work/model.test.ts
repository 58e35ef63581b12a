import { describe, it } from 'vitest';
import { createPostgresStore } from '../../src/stores/postgres/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { onPostgres } from '../postgres/cluster.ts';
import { compareWithModel } from './model.ts';

describe('runs as work are what the plain model of them says', () => {
  for (const seed of [1, 20261121])
    it(`SQLite (seed ${seed})`, () => compareWithModel(async () => openSqliteStore({ file: ':memory:' }), seed, 40));

  const { cluster, it: itOnPostgres } = onPostgres();
  for (const seed of [1, 20261121])
    itOnPostgres(`PostgreSQL (seed ${seed})`, () =>
      compareWithModel(async () => createPostgresStore({ url: (await cluster().lendDatabase()).url }), seed, 6),
    );
});
