import { hash } from 'node:crypto';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';

/** Locks are taken by stripe, so that a batch of many runs takes few, and in order, so that none waits in a circle. */
const stripes = 128;

/** Which lock a run has, together with others. */
export const stripeOf = (runId: string): number => hash('sha256', runId, 'buffer')[0]! % stripes;

const ofStripe = `(hashtext('tachograph.run.' || current_setting('tachograph.project')), stripe)`;
const inOrder = (places: Iterable<number>) =>
  column(
    'int4',
    [...new Set(places)].toSorted((a, b) => a - b),
  );

/** A statement that takes the locks of runs until the end of the transaction. */
export const lockRuns = (runIds: readonly string[]): Statement => lockStripes(runIds.map(stripeOf));

/** The same for locks that are known. */
export function lockStripes(places: readonly number[]): Statement {
  return {
    sql: `SELECT pg_advisory_xact_lock${ofStripe}, stripe FROM unnest($1::int4[]) AS stripe`,
    values: [inOrder(places)],
  };
}

/** The same without waiting: it gives those (`stripe`) that nobody else had. */
export function tryLockStripes(places: readonly number[]): Statement {
  return {
    sql: `SELECT stripe FROM unnest($1::int4[]) AS stripe WHERE pg_try_advisory_xact_lock${ofStripe}`,
    values: [inOrder(places)],
  };
}

/** Whoever indexes or removes words of a project holds this: words of a content that is going are not put in after it. */
export const lockWords: Statement = {
  sql: `SELECT pg_advisory_xact_lock(hashtext('tachograph.words'), (SELECT project_key()))`,
};

/**
 * Makes a commit not wait for the disk, for work that is only done again when it was lost. A later commit that waits takes
 * it along.
 */
export const easily: Statement = { sql: `SELECT set_config('synchronous_commit', 'off', true)` };

const slots = 16;

/** Counts a change. By slots, so that two transactions seldom wait for each other's commit. */
export const countChange: Statement = {
  sql: `INSERT INTO changes (project_key, slot, count) VALUES ((SELECT project_key()), pg_backend_pid() % ${slots}, 1)
    ON CONFLICT (project_key, slot) DO UPDATE SET count = changes.count + 1`,
};

/** Makes the project when it is new. */
export const ensureProject: Statement = {
  sql: `INSERT INTO projects (id) SELECT current_setting('tachograph.project')
    WHERE NOT EXISTS (SELECT 1 FROM projects WHERE id = current_setting('tachograph.project')) ON CONFLICT DO NOTHING`,
};
