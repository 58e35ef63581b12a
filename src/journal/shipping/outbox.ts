import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openHome } from '../home.ts';
import { ingestUrl } from '../sink/delivery.ts';

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
