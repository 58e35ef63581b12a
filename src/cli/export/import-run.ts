import { TachographError, isTachographError } from '../../core/error.ts';
import type { JournalEntry } from '../../core/journal.ts';
import type { Redactor } from '../../core/redact/redactor.ts';
import type { RunFileReport } from '../../core/run-file/reader.ts';
import { createRunFileReader } from '../../core/run-file/reader.ts';
import { createSecretScan } from '../../core/run-file/scan.ts';
import { keyToFingerprint } from '../../core/run-file/signature.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Store } from '../../core/store.ts';
import { readOrigin, writeOrigin } from './origin-shelf.ts';
import type { RunFileSource } from './run-file-source.ts';

/** What taking a run file in did. */
export interface ImportedRun {
  readonly file: string;
  readonly runId: string;
  readonly events: number;
  /** Events that were not here before. */
  readonly newEvents: number;
  readonly verdict: RunFileReport['verdict'];
  readonly fingerprint: string;
}

/** Where a run file is taken into. */
export interface ImportPlace {
  readonly home: string;
  readonly projectId: string;
  readonly store: Store;
  readonly redactor: Redactor;
  /** The public key that seals here. */
  readonly ownKey: string;
}

const batchBytes = 2 * 1024 * 1024;
const batchEntries = 500;
const pageEvents = 2000;

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Hashes of the events that are here already, by `writer/n`; empty for a run that is not. */
async function readKnown({ store, projectId }: ImportPlace, runId: string): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, string>();
  try {
    await store.getRun(projectId, runId);
  } catch (error) {
    if (isTachographError(error) && error.code === 'run-not-found') return known;
    throw error;
  }
  for (let fromSeq = 1; ;) {
    const page: Awaited<ReturnType<Store['listEvents']>> = await store.listEvents(projectId, runId, {
      fromSeq,
      limit: pageEvents,
    });
    for (const { header, hash } of page) known.set(`${header.writerId}/${header.n}`, toHex(hash));
    if (page.length < pageEvents) return known;
    fromSeq = page.at(-1)!.seq + 1;
  }
}

function refuse(file: string, why: string): never {
  throw new TachographError('export-foreign', `${file} was not imported: ${why}`);
}

/** Reads the file once without writing anything: is it whole, is it clean, and is what is here already the same. */
async function inspect(
  source: RunFileSource,
  keys: readonly string[] | undefined,
  place: ImportPlace,
): Promise<RunFileReport> {
  const reader = createRunFileReader({ name: source.name, ...(keys === undefined ? {} : { keys }) });
  const scan = createSecretScan(place.redactor);
  let known: ReadonlyMap<string, string> | null = null;
  for await (const chunk of source.read()) {
    for (const entry of reader.push(chunk)) {
      const { runId, writerId, n } = entry.event.header;
      known ??= await readKnown(place, runId);
      const here = known.get(`${writerId}/${n}`);
      if (here !== undefined && here !== toHex(entry.event.hash))
        refuse(
          source.name,
          `run ${runId} is here with another event ${n} of writer ${writerId}. One of the two records is not the original; tachograph verify says which.`,
        );
      scan.look(entry);
    }
  }
  const report = reader.finish();
  const { intact } = report.verdict;
  // A loss that the origin itself knows of and signed is part of the record; everything else is a change.
  const isHonestLoss = intact.verdict === 'missing' && report.closing !== null && report.change === null;
  if (intact.verdict !== 'intact' && intact.verdict !== 'unsealed' && !isHonestLoss)
    refuse(source.name, report.change?.message ?? intact.message);
  if (scan.first !== null) {
    const kinds = Object.entries(scan.counts)
      .map(([kind, count]) => `${kind} ×${count}`)
      .join(', ');
    refuse(
      source.name,
      `it holds what redaction here would have taken out (${kinds}), first at event ${scan.first.n} of writer ${scan.first.writerId}. A sealed record cannot be redacted afterwards: erase the run where it was recorded, or look at the file as it is with tachograph show.`,
    );
  }
  return report;
}

async function takeIn(source: RunFileSource, place: ImportPlace): Promise<number> {
  const { store, projectId } = place;
  const reader = createRunFileReader({ name: source.name });
  let entries: JournalEntry[] = [];
  let bytes = 0;
  let taken = 0;
  const flush = async (): Promise<void> => {
    if (entries.length === 0) return;
    // The file may have been replaced since it was inspected; a content under a false id must reach no store.
    if (reader.change !== null) refuse(source.name, reader.change.message);
    taken += (await store.importBatch({ projectId, entries, position: null })).events;
    entries = [];
    bytes = 0;
  };
  for await (const chunk of source.read()) {
    for (const entry of reader.push(chunk)) {
      entries.push(entry);
      bytes +=
        (entry.event.payload?.length ?? 0) + entry.contents.reduce((sum, content) => sum + content.bytes.length, 0);
      if (entries.length >= batchEntries || bytes >= batchBytes) await flush();
    }
  }
  reader.finish();
  await flush();
  return taken;
}

/** Keeps the seals of the origin, unless this store made them itself. */
async function keepOrigin(report: RunFileReport, place: ImportPlace, run: RunView): Promise<void> {
  const { closing, manifest, seals } = report;
  const own = new Set((await place.store.listSeals(place.projectId, run.id)).map(({ signature }) => signature));
  const isOurs = seals.every(({ signature }) => own.has(signature)) && closing?.publicKey === place.ownKey;
  if (closing === null || isOurs) return;
  const at = { projectId: place.projectId, runId: run.id };
  const before = readOrigin(place.home, at);
  // An older file of the same run says less than what is here.
  if (before !== null && before.seals.length > seals.length) return;
  const foreign = seals.filter(({ signature }) => !own.has(signature));
  writeOrigin(place.home, at, { projectId: manifest.projectId, seals: foreign, closing });
}

/**
 * Takes the run of a file into a store, word for word: ids, hashes, contents, and beside them the seals of its origin.
 * Taken in twice it changes nothing. `export-foreign`, with nothing written, when the file is not whole, its record was
 * changed, the same run is here with other events, or redaction would take something out of it.
 */
export async function importRunFile(
  source: RunFileSource,
  keys: readonly string[] | undefined,
  place: ImportPlace,
): Promise<ImportedRun> {
  const report = await inspect(source, keys, place);
  const newEvents = await takeIn(source, place);
  const run = await place.store.getRun(place.projectId, report.manifest.runId);
  await keepOrigin(report, place, run);
  return {
    file: source.name,
    runId: run.id,
    events: report.verdict.events,
    newEvents,
    verdict: report.verdict,
    fingerprint: keyToFingerprint(report.closing!.publicKey),
  };
}
