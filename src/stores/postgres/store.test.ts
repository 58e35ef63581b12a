import { describe } from 'vitest';
import { type Major, majors, onPostgres } from '../../../test/postgres/cluster.ts';
import { describeStore } from '../../testing/index.ts';
import { createPostgresStore } from './index.ts';

function describeOn(major: Major, name: string, idleMs: number | null): void {
  describe(`PostgreSQL ${major}`, () => {
    const { cluster, it } = onPostgres(major);
    let url = '';
    describeStore(
      name,
      {
        async open(options) {
          ({ url } = await cluster().lendDatabase());
          return createPostgresStore({ url, poolMax: 4, ...(idleMs === null ? {} : { idleMs }), ...options });
        },
        async reopen(store, options) {
          await store.close();
          return createPostgresStore({ url, ...options });
        },
      },
      { describe, it },
    );
  });
}

describeOn(majors[0]!, 'postgres', null);

// The same rules on another version, when words are indexed and ended runs packed at once, which otherwise happens after a
// while.
describeOn(majors.at(-1)!, 'postgres, packed', 0);
