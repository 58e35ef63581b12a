import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TachographError } from '../../core/error.ts';
import type { JournalFile, ServerNote, ShipReport } from '../../journal/index.ts';
import {
  createShipper,
  listJournals,
  listQuarantine,
  openOutbox,
  readAck,
  readReceiptsSince,
  readServerNote,
  receiptsEnd,
  serverUrl,
} from '../../journal/index.ts';

/** What a server has confirmed since the shipping of a home was opened, by whichever process of the home it was sent. */
export interface SentSummary {
  readonly records: number;
  /** Ids of the runs that the records belong to. */
  readonly runIds: readonly string[];
}

/** Where records of a home are sent to. */
export interface Shipping {
  readonly url: string;
  /** Sends what is in the outbox, as long as it takes headway or until the time is up. */
  drain(limitMs?: number): Promise<{ isAll: boolean; report: ShipReport }>;
  sent(): SentSummary;
}

const drainMs = 30_000;

/**
 * The shipping of a home, by TACHOGRAPH_URL and TACHOGRAPH_KEY; `null` when records stay here. Throws `bad-argument` for a URL
 * that is none or that holds a password.
 */
export function openShipping(
  home: string,
  variables: Readonly<Record<string, string | undefined>>,
  onError: (error: unknown) => void,
): Shipping | null {
  const url = serverUrl(variables);
  if (url === null) return null;
  const outbox = openOutboxOf(home, url);
  const beganAt = receiptsEnd(outbox);
  return {
    url,
    async drain(limitMs = drainMs) {
      const shipper = createShipper({ outbox, url, key: variables['TACHOGRAPH_KEY'] ?? null, onError });
      const isAll = await shipper.drain(limitMs);
      const report = shipper.report();
      await shipper.close();
      return { isAll, report };
    },
    sent() {
      const receipts = readReceiptsSince(outbox, beganAt);
      const runIds = new Set(receipts.flatMap(({ heads }) => heads.map(({ runId }) => runId)));
      return { records: receipts.reduce((sum, { entries }) => sum + entries, 0), runIds: [...runIds] };
    },
  };
}

function openOutboxOf(home: string, url: string): string {
  try {
    return openOutbox(home, url);
  } catch (error) {
    // Without its words: what was given may be a key.
    if (error instanceof TypeError) throw new TachographError('bad-argument', `TACHOGRAPH_URL: ${error.message}`);
    throw error;
  }
}

/** An outbox of a home: where it goes and what lies in it. */
export interface Backlog {
  /** The server's address; `null` before its first answer. */
  readonly url: string | null;
  readonly waitingBytes: number;
  /** Projects whose records wait. */
  readonly projectIds: readonly string[];
  /** When the oldest file that waits was last written to, Unix milliseconds; `null` when none waits. */
  readonly sinceMs: number | null;
  /** Files that the server refused for good. */
  readonly setAside: number;
}

function waitingOf({ file, bytes, header }: JournalFile): number {
  return Math.max(0, bytes - Math.max(readAck(file) ?? 0, header?.bytes ?? 0));
}

function readBacklog(outbox: string): Backlog {
  const waiting = listJournals(outbox).filter((journal) => waitingOf(journal) > 0);
  const note: ServerNote | null = readServerNote(outbox);
  return {
    url: note?.url ?? null,
    waitingBytes: waiting.reduce((sum, journal) => sum + waitingOf(journal), 0),
    projectIds: [...new Set(waiting.flatMap(({ header }) => (header === null ? [] : [header.projectId])))].sort(),
    sinceMs: waiting.length === 0 ? null : Math.min(...waiting.map(({ modifiedAtMs }) => modifiedAtMs)),
    setAside: listQuarantine(outbox).length,
  };
}

/** What waits for servers in a home, one outbox each. */
export function readBacklogs(home: string): readonly Backlog[] {
  const root = join(home, 'outbox');
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readBacklog(join(root, name)));
}
