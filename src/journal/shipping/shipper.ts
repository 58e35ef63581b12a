import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { createErrorReporter } from '../../core/error-report.ts';
import { TachographError } from '../../core/error.ts';
import { bumpGeneration } from '../home.ts';
import type { Liveness } from '../identity.ts';
import { isProcessAlive } from '../identity.ts';
import type { JournalFile } from '../shelf.ts';
import { copyAside, listJournals, quarantineJournal, readAck, removeJournalAt, writeAck } from '../shelf.ts';
import type { DeliveryOptions } from '../sink/delivery.ts';
import { deliver, ingestUrl } from '../sink/delivery.ts';
import { createPause } from '../sink/pause.ts';
import { openWindow } from '../window.ts';
import type { Parcel } from './parcel.ts';
import { readParcel } from './parcel.ts';
import { keepReceipt } from './receipt-book.ts';

// The journal is the outbox:
//
//   recorder ─► journal file ─► parcel ─► POST /api/v1/ingest ─► 2xx ─► ack beside the file ─► removed, its writer gone
//                    ▲                        │
//                    └── read again from ─────┴── 429, 503, no answer: later, with backoff
//                        the last ack              400: set aside and reported
//
// A batch that was taken and whose answer was lost is sent again; the server's import drops doubles. So either side may
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
  /** Bytes of the outbox that are still to go. */
  readonly waitingBytes: number;
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
  const onError = createErrorReporter(clock, options.onError);
  const sent = { entries: 0, bytes: 0, setAside: 0 };
  const touchedMsByFile = new Map<string, number>();
  const pause = createPause();
  let generation: number | null = null;
  let bytesNow = batchBytes;
  let isClosed = false;
  let working: Promise<boolean> | null = null;
  let timer: NodeJS.Timeout | undefined;

  const noteGeneration = (theirs: number): void => {
    // Contents sent before are gone there: recorders must bring them again.
    if (generation !== null && generation !== theirs) bumpGeneration(outbox);
    generation = theirs;
  };

  const setAside = (file: string, parcel: Parcel, cause: unknown): void => {
    copyAside(file, { offset: parcel.fromBytes, bytes: parcel.nextBytes - parcel.fromBytes }, String(cause));
    sent.setAside += parcel.entries;
    writeAck(file, parcel.nextBytes);
    onError(cause);
  };

  /** Sends one parcel; the pause to make before going on, or `null` when it is done with. */
  const send = async (file: string, parcel: Parcel, failures: number): Promise<number | null> => {
    const result = await deliver(delivery, parcel.batch!);
    switch (result.outcome) {
      case 'kept':
        writeAck(file, parcel.nextBytes);
        sent.entries += parcel.entries;
        sent.bytes += parcel.nextBytes - parcel.fromBytes;
        bytesNow = batchBytes;
        noteGeneration(result.generation);
        if (result.receipt !== null && !keepReceipt(outbox, result.receipt, parcel.batch!))
          onError(new Error(`${new URL(delivery.url).origin} sent a receipt that is not for what it was sent.`));
        return null;
      case 'too-large':
        if (parcel.entries > 1) {
          bytesNow = Math.max(1, Math.floor(bytesNow / 4));
          return 0;
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
    return Math.min(pauseMaxMs, own ?? pauseFirstMs * 2 ** Math.min(failures, 10));
  };

  /** Shows the server that a writer with nothing to say still lives. */
  const beat = async ({ file, header, modifiedAtMs }: JournalFile): Promise<void> => {
    if (header === null || modifiedAtMs <= (touchedMsByFile.get(file) ?? 0)) return;
    const isFirst = !touchedMsByFile.has(file);
    touchedMsByFile.set(file, modifiedAtMs);
    if (isFirst) return;
    const head = readHead(file, header.bytes);
    const result = head === null ? null : await deliver(delivery, head);
    if (result?.outcome === 'kept') noteGeneration(result.generation);
  };

  const isDone = ({ header, modifiedAtMs }: JournalFile, isNewest: boolean): boolean => {
    if (header === null) return false;
    const life = isAlive(header.identity);
    if (life === 'gone' || (life === 'alive' && !isNewest)) return true;
    return life === 'unknown' && clock.nowMs() - modifiedAtMs > unseenMs;
  };

  /** Sends what is in one file; false when it has to wait. */
  const shipFile = async (journal: JournalFile, isNewest: boolean): Promise<boolean> => {
    const { file, error } = journal;
    if (error !== null) {
      onError(error);
      if (error.code === 'journal-broken') quarantineJournal(file, error.message);
      return true;
    }
    let isSent = false;
    for (let failures = 0; !isClosed;) {
      const parcel = readParcel(file, readAck(file) ?? 0, bytesNow);
      if (parcel === null) return true;
      for (const place of parcel.damage) {
        copyAside(file, place, 'its checksum is wrong');
        onError(new TachographError('journal-broken', `${place.bytes} bytes of ${file} are damaged and stay here.`));
      }
      if (parcel.batch !== null) {
        const pauseMs = await send(file, parcel, failures);
        failures = pauseMs === null || pauseMs === 0 ? 0 : failures + 1;
        isSent = true;
        if (pauseMs !== null && pauseMs > 0 && !(await pause.wait(pauseMs))) return false;
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
      return true;
    }
    return false;
  };

  const shipAll = async (): Promise<boolean> => {
    const journals = listJournals(outbox);
    const newestByWriter = new Map(journals.map(({ file, header }) => [header?.identity.writerId, file]));
    let isAll = true;
    for (const journal of journals) {
      if (isClosed) return false;
      isAll =
        (await shipFile(journal, newestByWriter.get(journal.header?.identity.writerId) === journal.file)) && isAll;
    }
    return isAll;
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

  const waitingBytes = (): number =>
    listJournals(outbox).reduce(
      (sum, { file, bytes, header }) => sum + Math.max(0, bytes - Math.max(readAck(file) ?? 0, header?.bytes ?? 0)),
      0,
    );

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
          if ((await Promise.race([work(), over])) && waitingBytes() === 0) return true;
        }
        return waitingBytes() === 0;
      } catch (error) {
        onError(error);
        return false;
      } finally {
        clearInterval(keepAlive);
      }
    },
    report: () => ({ ...sent, waitingBytes: waitingBytes() }),
    async close() {
      isClosed = true;
      clearInterval(timer);
      pause.end();
      await working;
    },
  };
}
