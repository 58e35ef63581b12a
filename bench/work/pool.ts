import pg from 'pg';

/**
 * A pool for what a contender asks beside its queue. A connection that the server ends while it is being closed is
 * nobody's error: without a listener it would end the whole measurement.
 */
export function openPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return pool;
}
