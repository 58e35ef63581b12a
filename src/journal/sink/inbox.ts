import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { RecordedEvent } from '../../core/record/event.ts';
import type { ReceiptFacts, ReceiptHead } from '../../core/record/receipt.ts';
import { TachographError } from '../../core/error.ts';
import { decodeEntry } from '../entry.ts';
import type { FileOperations } from '../file-operations.ts';
import { systemFiles } from '../file-operations.ts';
import type { JournalHeader } from '../frame.ts';
import { frameKinds, parseHeader } from '../frame.ts';
import { journalFolder, journalSuffix } from '../home.ts';
import type { Output } from '../output.ts';
import { createOutput } from '../output.ts';
import { bytesToWindow, frameAt } from '../window.ts';

/** What was taken of a batch. */
export interface TakenBatch {
  readonly entries: number;
  /** What a receipt says of it; `null` for a batch without entries, which is only a sign of life. */
  readonly facts: Omit<ReceiptFacts, 'takenAtMs'> | null;
}

/** Takes batches of entries that other recorders sent. */
export interface Inbox {
  /**
   * Checks a batch and writes it, durably, into a journal file of its writer. Throws `batch-broken` for bytes that are
   * not a whole batch, `batch-foreign` for one of another project, and what the disk throws; then nothing of it counts as taken, and sending it
   * again is safe: the import drops doubles.
   */
  take(batch: Uint8Array): TakenBatch;
  close(): Promise<void>;
}

/** What an inbox is made of. */
export interface InboxOptions {
  readonly home: string;
  /** The only project it takes. */
  readonly projectId: string;
  readonly clock?: Clock;
  readonly fs?: FileOperations;
  readonly onError?: (error: unknown) => void;
}

/** Files kept open; one that is let go gets a successor when its writer comes again. */
const outputsMax = 64;
const rotateBytes = 64 * 1024 * 1024;

function broken(what: string): TachographError {
  return new TachographError('batch-broken', `The batch cannot be taken: ${what}. Send the bytes of whole entries.`);
}

function foreign(projectId: string): TachographError {
  return new TachographError(
    'batch-foreign',
    `The batch cannot be taken: it belongs to the project ${JSON.stringify(projectId.slice(0, 80))}, and whoever sends it may add to another one. ` +
      'Send it with a key of its own project, or record under the project of the key (TACHOGRAPH_PROJECT).',
  );
}

interface CheckedBatch {
  readonly header: JournalHeader;
  readonly entries: number;
  /** The newest event of each run. */
  readonly heads: readonly ReceiptHead[];
}

/** The header of a batch, how many entries it has and where they lead; throws when any of it is not as a recorder writes it. */
function checkBatch(batch: Buffer, projectId: string): CheckedBatch {
  let header: JournalHeader | null;
  try {
    header = parseHeader(batch, 'batch');
  } catch (cause) {
    throw broken((cause as Error).message);
  }
  if (header === null) throw broken('it ends inside its header');
  if (header.projectId !== projectId) throw foreign(header.projectId);
  if (!/^[0-9a-f]{16}$/.test(header.identity.writerId)) throw broken('its writer id is not 16 hex digits');
  const window = bytesToWindow(batch);
  const headByRun = new Map<string, ReceiptHead>();
  let entries = 0;
  for (let at = header.bytes; at < batch.length; entries += 1) {
    const frame = frameAt(window, at);
    if (frame === null || frame.kind !== frameKinds.entry) throw broken(`no sound entry begins at byte ${at}`);
    const head = checkEntry(frame.body, header, at);
    headByRun.set(head.runId, head);
    at = frame.end;
  }
  const heads = [...headByRun.values()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
  return { header, entries, heads };
}

function checkEntry(body: Buffer, { identity }: JournalHeader, at: number): ReceiptHead {
  let event: RecordedEvent;
  try {
    ({ event } = decodeEntry(body));
  } catch (cause) {
    throw broken(`the entry at byte ${at} cannot be read: ${(cause as Error).message}`);
  }
  const { runId, writerId, n } = event.header;
  if (writerId !== identity.writerId) throw broken(`the entry at byte ${at} is another writer's`);
  return { runId, n, hash: Buffer.from(event.hash).toString('hex') };
}

/** Marks the newest file of a writer as written to: a batch without entries is a sign of life. */
function touchNewest(home: string, { projectId, identity }: JournalHeader, nowMs: number): void {
  const folder = journalFolder(home, projectId);
  let newest: string | undefined;
  try {
    newest = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith(`-${identity.writerId}${journalSuffix}`))
      .sort()
      .at(-1);
    if (newest !== undefined) fs.utimesSync(join(folder, newest), nowMs / 1000, nowMs / 1000);
  } catch (error) {
    // Nothing of this writer is here, or not any more.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** An inbox on the data folder. Its files are journals like any other; the indexer reads them. */
export function createInbox(options: InboxOptions): Inbox {
  const { home, projectId, clock = systemClock, fs: files = systemFiles, onError = () => undefined } = options;
  const outputByWriter = new Map<string, Output>();

  const release = (writerId: string): void => {
    const output = outputByWriter.get(writerId);
    outputByWriter.delete(writerId);
    output?.close().catch(onError);
  };

  const outputOf = ({ identity }: JournalHeader): Output => {
    const known = outputByWriter.get(identity.writerId);
    outputByWriter.delete(identity.writerId);
    const output =
      known ??
      createOutput({
        home,
        projectId,
        identity,
        isPowerSafe: true,
        rotateBytes,
        clock,
        fs: files,
        onDistrust: () => undefined,
        onError,
      });
    // The order of the map is that of use.
    outputByWriter.set(identity.writerId, output);
    if (outputByWriter.size > outputsMax) release(outputByWriter.keys().next().value!);
    return output;
  };

  return {
    take(bytes) {
      const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const { header, entries, heads } = checkBatch(batch, projectId);
      if (entries === 0) {
        touchNewest(home, header, clock.nowMs());
        return { entries, facts: null };
      }
      const output = outputOf(header);
      output.leaveIfUnlinked();
      try {
        output.write(batch.subarray(header.bytes));
        output.sync();
      } catch (error) {
        // Its next write would have to begin with these bytes; a file of its own is simpler and loses nothing.
        release(header.identity.writerId);
        throw error;
      }
      const batchDigest = createHash('sha256').update(batch).digest('hex');
      return { entries, facts: { projectId, writerId: header.identity.writerId, batchDigest, entries, heads } };
    },
    async close() {
      await Promise.all([...outputByWriter.values()].map((output) => output.close()));
      outputByWriter.clear();
    },
  };
}
