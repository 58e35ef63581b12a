import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { createErrorReporter } from '../../core/error-report.ts';
import { TachographError } from '../../core/error.ts';
import type { Liveness } from '../identity.ts';
import { isProcessAlive } from '../identity.ts';
import type { JournalFile } from '../shelf.ts';
import { copyAside, listJournals, quarantineJournal, readAck, removeJournalAt, writeAck } from '../shelf.ts';
import type { DeliveryOptions } from '../sink/delivery.ts';
import { deliver, ingestUrl, keyToProject } from '../sink/delivery.ts';
import { createPause } from '../sink/pause.ts';
import { openWindow } from '../window.ts';
import type { Parcel } from './parcel.ts';
import { readParcel } from './parcel.ts';
import { keepReceipt } from './receipt-book.ts';
import { createServerMemory } from './server-note.ts';

// The journal is the outbox:
//
//   recorder ─► journal file ─► parcel ─► POST /api/v1/ingest ─► 2xx ─► ack beside the file ─► removed, its writer gone
//                    ▲                        │
//                    ├── read again from ─────┼── 429, 503, no answer of ours: later, with backoff
//                    │   the last ack           ├── 400: set aside and reported
//                    └── kept, said ────────────┴── 401, 403: a key can be put right; other files go on
//
// Files of another project than the key's are left for whoever has a key of theirs. A batch that was taken and whose answer was lost is sent again; the server's import drops doubles. So either side may
// die at any moment, and several processes may ship one outbox.

/** Where an outbox goes. */
export interface ShipperOptions {
  /** The outbox's own data folder, see `openOutbox`. */
  readonly outbox: string;
  readonly url: string;
  /** A key with the scope `ingest`. */
  readonly key?: string | null;
  readonly fetch?: typeof globalThis.fetch;
  readonly clock?: Clock;
  /** Told of each kind of error at most once a minute. */
  readonly onError?: (error: unknown) => void;
  readonly isAlive?: (identity: NonNullable<JournalFile['header']>['identity']) => Liveness;
  /** How often files are looked at for something new. */
  readonly everyMs?: number;
}

/** What was sent since the shipper began. */
export interface ShipReport {
  readonly entries: number;
  readonly bytes: number;
  /** Entries that the server will never take; they are in quarantine. */
  readonly setAside: number;
  /** Bytes that are still to go by this key. */
  readonly waitingBytes: number;
  /** What waits for a key of another project. */
  readonly foreign: readonly { readonly projectId: string; readonly bytes: number }[];
}

/** Why a file could not go now. */
interface Delay {
  readonly ms: number;
  /** The server is away for all of them. */
  readonly isForAll: boolean;
}

/** Sends an outbox to its server. No method rejects, and none keeps an idle process alive. */
export interface Shipper {
  /** Looks from now on for what is new. */
  start(): void;
  /** Sends all that is there now; false when it is not there after `timeoutMs`. Keeps the process alive until then. */
  drain(timeoutMs: number): Promise<boolean>;
  report(): ShipReport;
  /** Stops after the batch that is on its way. */
  close(): Promise<void>;
}

const everyMsDefault = 100;
const batchBytes = 1024 * 1024;
const timeoutMs = 30_000;
const pauseFirstMs = 200;
const pauseMaxMs = 30_000;
/** A writer that cannot be seen from here and has written nothing for so long is taken for gone. */
const unseenMs = 24 * 3_600_000;

/** The header of a file, which alone is a batch without entries. */
function readHead(file: string, bytes: number): Buffer | null {
  const window = openWindow(file, bytes);
  try {
    return window.at(0, bytes);
  } finally {
    window.close();
  }
}

/** A shipper of one outbox. Throws `TypeError` for a `url` that is none. */
export function createShipper(options: ShipperOptions): Shipper {
  const { outbox, clock = systemClock, isAlive = isProcessAlive, everyMs = everyMsDefault } = options;
  const delivery: DeliveryOptions = {
    url: ingestUrl(options.url).href.replace(/api\/v1\/ingest$/, ''),
    token: options.key ?? null,
    fetch: options.fetch ?? globalThis.fetch,
    timeoutMs,
  };
  const { origin } = new URL(delivery.url);
  const onError = createErrorReporter(clock, options.onError);
  const sent = { entries: 0, bytes: 0, setAside: 0 };
  const touchedMsByFile = new Map<string, number>();
  const pause = createPause();
  const keyProject = keyToProject(options.key);
  const server = createServerMemory({ outbox, url: delivery.url, onError });
  let failures = 0;
  let bytesNow = batchBytes;
  let isClosed = false;
  let working: Promise<boolean> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const isOurs = ({ header }: JournalFile): boolean =>
    keyProject === null || header === null || header.projectId === keyProject;

  const setAside = (file: string, parcel: Parcel, cause: unknown): void => {
    copyAside(file, { offset: parcel.fromBytes, bytes: parcel.nextBytes - parcel.fromBytes }, String(cause));
    sent.setAside += parcel.entries;
    writeAck(file, parcel.nextBytes);
    onError(cause);
  };

  /** Sends one parcel; what to wait for, or `null` when it is done with or is to be read again. */
  const send = async (file: string, parcel: Parcel): Promise<Delay | null> => {
    const result = await deliver(delivery, parcel.batch!, parcel.entries);
    switch (result.outcome) {
      case 'kept':
        writeAck(file, parcel.nextBytes);
        sent.entries += parcel.entries;
        sent.bytes += parcel.nextBytes - parcel.fromBytes;
        bytesNow = batchBytes;
        failures = 0;
        server.note(result);
        if (
          result.receipt === 'broken' ||
          (result.receipt !== null && !keepReceipt(outbox, result.receipt, parcel.batch!))
        )
          onError(new Error(`${origin} sent a receipt that is not for what it was sent.`));
        return null;
      case 'too-large':
        if (parcel.entries > 1) {
          bytesNow = Math.max(1, Math.floor(bytesNow / 4));
          return null;
        }
        setAside(file, parcel, result.cause);
        return null;
      case 'refused':
        // A key can be put right; bytes that are no records cannot.
        if (result.status !== 400) break;
        setAside(file, parcel, result.cause);
        return null;
      case 'later':
        break;
    }
    onError(result.cause);
    const own = result.outcome === 'later' ? result.retryAfterMs : null;
    return { ms: own ?? 0, isForAll: result.outcome === 'later' };
  };

  /** Shows the server that a writer with nothing to say still lives. */
  const beat = async ({ file, header, modifiedAtMs }: JournalFile): Promise<void> => {
    if (header === null || modifiedAtMs <= (touchedMsByFile.get(file) ?? 0)) return;
    const isFirst = !touchedMsByFile.has(file);
    touchedMsByFile.set(file, modifiedAtMs);
    if (isFirst) return;
    const head = readHead(file, header.bytes);
    const result = head === null ? null : await deliver(delivery, head, 0);
    if (result?.outcome === 'kept') server.note(result);
  };

  const isDone = ({ header, modifiedAtMs }: JournalFile, isNewest: boolean): boolean => {
    if (header === null) return false;
    const life = isAlive(header.identity);
    if (life === 'gone' || (life === 'alive' && !isNewest)) return true;
    return life === 'unknown' && clock.nowMs() - modifiedAtMs > unseenMs;
  };

  /** Sends what is in one file; why the rest has to wait, or `null` when nothing is left. */
  const shipFile = async (journal: JournalFile, isNewest: boolean): Promise<Delay | null> => {
    const { file, error } = journal;
    if (error !== null) {
      onError(error);
      if (error.code === 'journal-broken') quarantineJournal(file, error.message);
      return null;
    }
    let isSent = false;
    while (!isClosed) {
      const parcel = readParcel(file, readAck(file) ?? 0, bytesNow);
      if (parcel === null) return null;
      for (const place of parcel.damage) {
        copyAside(file, place, 'its checksum is wrong');
        onError(new TachographError('journal-broken', `${place.bytes} bytes of ${file} are damaged and stay here.`));
      }
      if (parcel.batch !== null) {
        const delay = await send(file, parcel);
        if (delay !== null) return delay;
        isSent = true;
        continue;
      }
      // What was stepped over is behind us too.
      if (parcel.nextBytes > parcel.fromBytes) writeAck(file, parcel.nextBytes);
      if (isSent) touchedMsByFile.set(file, journal.modifiedAtMs);
      if (isDone(journal, isNewest)) {
        if (parcel.end === 'torn')
          onError(
            new TachographError(
              'journal-broken',
              `The last ${parcel.fileBytes - parcel.nextBytes} bytes of ${file} were never written whole.`,
            ),
          );
        removeJournalAt(file, parcel.fileBytes);
      } else if (!isSent) await beat(journal);
      return null;
    }
    return null;
  };

  const shipAll = async (): Promise<boolean> => {
    const journals = listJournals(outbox);
    const newestByWriter = new Map(journals.map(({ file, header }) => [header?.identity.writerId, file]));
    let waitMs: number | null = null;
    for (const journal of journals.filter(isOurs)) {
      if (isClosed) return false;
      const isNewest = newestByWriter.get(journal.header?.identity.writerId) === journal.file;
      const delay = await shipFile(journal, isNewest).catch((error: unknown): Delay => {
        onError(error);
        return { ms: 0, isForAll: false };
      });
      if (delay === null) continue;
      waitMs = Math.max(waitMs ?? 0, delay.ms);
      if (delay.isForAll) break;
    }
    if (waitMs === null) return true;
    const backoffMs = pauseFirstMs * 2 ** Math.min(failures, 10);
    failures += 1;
    if (!isClosed) await pause.wait(Math.min(pauseMaxMs, waitMs > 0 ? waitMs : backoffMs));
    return false;
  };

  const work = (): Promise<boolean> =>
    (working ??= shipAll()
      .catch((error: unknown) => {
        onError(error);
        return false;
      })
      .finally(() => {
        working = null;
      }));

  const waitingOf = (journals: readonly JournalFile[]): number =>
    journals.reduce(
      (sum, { file, bytes, header }) => sum + Math.max(0, bytes - Math.max(readAck(file) ?? 0, header?.bytes ?? 0)),
      0,
    );
  const waitingBytes = (): number => waitingOf(listJournals(outbox).filter(isOurs));
  const foreign = (): ShipReport['foreign'] => {
    const others = listJournals(outbox).filter((journal) => !isOurs(journal));
    return [...Map.groupBy(others, ({ header }) => header!.projectId)]
      .map(([projectId, journals]) => ({ projectId, bytes: waitingOf(journals) }))
      .filter(({ bytes }) => bytes > 0);
  };

  return {
    start() {
      timer ??= setInterval(() => void work(), everyMs).unref();
    },
    async drain(limitMs) {
      pause.end();
      const endMs = clock.monotonicMs() + limitMs;
      const keepAlive = setInterval(() => undefined, 1000);
      try {
        while (!isClosed && clock.monotonicMs() < endMs) {
          const over = new Promise<boolean>((resolve) =>
            setTimeout(() => resolve(false), Math.max(1, endMs - clock.monotonicMs())).unref(),
          );
          if (!(await Promise.race([work(), over]))) continue;
          if (waitingBytes() === 0) return true;
          // What is there is not whole yet: its writer is at it.
          await Promise.race([pause.wait(everyMs), over]);
        }
        return waitingBytes() === 0;
      } catch (error) {
        onError(error);
        return false;
      } finally {
        clearInterval(keepAlive);
      }
    },
    report: () => ({ ...sent, waitingBytes: waitingBytes(), foreign: foreign() }),
    async close() {
      isClosed = true;
      clearInterval(timer);
      pause.end();
      await working;
    },
  };
}
