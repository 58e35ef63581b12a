import { createHash } from 'node:crypto';
import { TachographError } from '../error.ts';
import type { JournalEntry } from '../journal.ts';
import type { Seal } from '../record/seal.ts';
import type { Finding, Verdict } from '../verify/verdict.ts';
import { judgeLine } from './judge.ts';
import type { Closing, Manifest } from './line.ts';
import { ForeignLine } from './line-reading.ts';
import { isKeyNamed, keyToFingerprint } from './signature.ts';
import type { ReadState } from './state.ts';
import { createReadState, nextPlace } from './state.ts';
import { takeLine } from './take.ts';
import { tallyToComplete } from './tally.ts';

/** A line longer than this is none of ours: twice the largest entry of a journal. */
export const lineBytesMax = 512 * 1024 * 1024;

/** What a run file says and what is to be said of it. */
export interface RunFileReport {
  readonly manifest: Manifest;
  readonly seals: readonly Seal[];
  /** `null` only beside a finding: the file was not read to its end. */
  readonly closing: Closing | null;
  readonly verdict: Verdict;
  /** The first finding that is more than something missing: a record with one must not be taken in. */
  readonly change: Finding | null;
}

/** How a run file is read. */
export interface RunFileReading {
  /** What the file is called in messages. */
  readonly name: string;
  /** Keys or fingerprints of which every seal and the file itself must bear one; left out, the keys inside are taken. */
  readonly keys?: readonly string[];
}

/** Reads one run file, chunk by chunk. */
export interface RunFileReader {
  /**
   * The entries that the chunk completes. Throws `export-foreign`, naming line, byte and event, at the first byte that
   * Tachograph would not have written.
   */
  push(chunk: Uint8Array): JournalEntry[];
  /** The first finding so far that is more than something missing. */
  readonly change: Finding | null;
  /** To be called behind the last chunk. A file cut short is `export-foreign`. */
  finish(): RunFileReport;
}

function findForeignKey(state: ReadState, keys: readonly string[] | undefined): Finding | null {
  if (keys === undefined) return null;
  const isGiven = (publicKey: string): boolean => keys.some((key) => isKeyNamed(publicKey, key));
  const foreign = state.seals.find(({ publicKey }) => !isGiven(publicKey));
  const bad = (what: string, publicKey: string): Finding => ({
    verdict: 'bad-signature',
    writerId: null,
    n: null,
    message: `${what} is signed by key ${keyToFingerprint(publicKey)}, which was not asked for.`,
  });
  if (foreign !== undefined) return bad(`Seal ${foreign.number}`, foreign.publicKey);
  const { closing } = state;
  return closing === null || isGiven(closing.publicKey) ? null : bad('The file', closing.publicKey);
}

function toFinding(state: ReadState, keys: readonly string[] | undefined): Finding {
  const nowhere = { writerId: null, n: null };
  if (state.finding !== null) return state.finding;
  if (state.events === 0)
    return { ...nowhere, verdict: 'no-events', message: 'There are no events, and an empty record proves nothing.' };
  const foreign = findForeignKey(state, keys);
  if (foreign !== null) return foreign;
  if (state.unsealed === 0)
    return { ...nowhere, verdict: 'intact', message: `Every byte is as sealed (${state.events} events).` };
  const message = `The chains verify, but ${state.unsealed} of ${state.events} events are not covered by a seal yet.`;
  return { ...nowhere, verdict: 'unsealed', message };
}

function toVerdict(state: ReadState, keys: readonly string[] | undefined): Verdict {
  const intact = toFinding(state, keys);
  const holes = [...state.readByWriter.values()].reduce((sum, { n, events }) => sum + n - events, 0);
  const { erased } = state;
  return {
    intact: { ...intact, erased, message: erased === 0 ? intact.message : `${intact.message} ${erased} erased.` },
    complete: tallyToComplete(state.tally, holes),
    seals: state.seals.length,
    events: state.events,
    publicKey: state.seals.at(-1)?.publicKey ?? null,
  };
}

/**
 * A reader of one run file. Of the file it holds one line, and what the state keeps. What is wrong with the record inside
 * ends in the verdict; what is wrong with the file is thrown, unless the record was found wanting before: the first bad
 * place is the one that is told.
 */
export function createRunFileReader({ name, keys }: RunFileReading): RunFileReader {
  const state = createReadState();
  const sum = createHash('sha256');
  let rest: Buffer[] = [];
  let restBytes = 0;
  let line = 1;
  let offset = 0;
  let isStopped = false;

  const toError = (what: string): TachographError => {
    const place = nextPlace(state);
    const event = place === null ? '' : `, at event ${place.n} of writer ${place.writerId}`;
    const message = `${name} is not a run file as it was written: line ${line}, byte ${offset}${event}: ${what}. Take the file from where it was exported once more.`;
    return new TachographError('export-foreign', message);
  };

  const stop = (what: string): void => {
    if (state.finding === null) throw toError(what);
    isStopped = true;
  };

  const takeBytes = (bytes: Buffer): JournalEntry | null => {
    try {
      const judgement = judgeLine(state, bytes, () => sum.copy().digest('hex'));
      const entry = takeLine(state, judgement);
      sum.update(bytes).update('\n');
      line += 1;
      offset += bytes.length + 1;
      return entry;
    } catch (error) {
      if (!(error instanceof ForeignLine)) throw error;
      stop(error.message);
      return null;
    }
  };

  const keepRest = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    rest.push(bytes);
    restBytes += bytes.length;
    if (restBytes > lineBytesMax) stop(`the line has more than ${lineBytesMax} bytes`);
  };

  return {
    get change() {
      return state.change;
    },
    push(chunk) {
      const entries: JournalEntry[] = [];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      while (!isStopped) {
        const at = bytes.indexOf(10, from);
        if (at === -1) break;
        const part = bytes.subarray(from, at);
        const whole = rest.length === 0 ? part : Buffer.concat([...rest, part]);
        rest = [];
        restBytes = 0;
        from = at + 1;
        const entry = takeBytes(whole);
        if (entry !== null) entries.push(entry);
      }
      // A copy: the caller may use the chunk's memory again.
      if (!isStopped) keepRest(Buffer.from(bytes.subarray(from)));
      return entries;
    },
    finish() {
      if (!isStopped && restBytes > 0)
        stop(
          state.closing === null ? 'the file ends in the middle of the line' : 'there are bytes behind the last line',
        );
      if (!isStopped && state.closing === null) stop('the file ends before its last line; it was cut');
      if (state.manifest === null) throw toError('it is empty');
      return {
        manifest: state.manifest,
        seals: state.seals,
        closing: state.closing,
        verdict: toVerdict(state, keys),
        change: state.change,
      };
    },
  };
}

/** Reads a whole run file and judges it. Throws `export-foreign` where the reader does. */
export async function verifyRunFile(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  reading: RunFileReading,
): Promise<RunFileReport> {
  const reader = createRunFileReader(reading);
  for await (const chunk of chunks) reader.push(chunk);
  return reader.finish();
}
