import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openHome } from '../home.ts';
import { ingestUrl, keyToProject } from '../sink/delivery.ts';

/** Where the journals of records for one server lie: a data folder of its own in the home, which no indexer reads. */
export function outboxFolder(home: string, url: string): string {
  const digest = createHash('sha256').update(ingestUrl(url).href).digest('hex');
  return join(home, 'outbox', digest.slice(0, 16));
}

/** The same, made ready. `home-unusable` when it cannot be written to; throws `TypeError` for a `url` that is none. */
export function openOutbox(home: string, url: string): string {
  return openHome(outboxFolder(home, url));
}

/** The server that the environment names for records, or `null` for none: TACHOGRAPH_URL. */
export function serverUrl(variables: Readonly<Record<string, string | undefined>>): string | null {
  const url = variables['TACHOGRAPH_URL'];
  return url === undefined || url === '' ? null : url;
}

/**
 * The project that records belong to unless their program says another: TACHOGRAPH_PROJECT, else, with a server to send
 * them to, the project of its key (TACHOGRAPH_KEY), else `default`.
 */
export function chooseProject(variables: Readonly<Record<string, string | undefined>>): string {
  const named = variables['TACHOGRAPH_PROJECT'];
  if (named !== undefined && named !== '') return named;
  return (serverUrl(variables) === null ? null : keyToProject(variables['TACHOGRAPH_KEY'])) ?? 'default';
}
