import { hash } from 'node:crypto';
import type { Journal, JournalEntry } from '../../core/journal.ts';
import type { Limits } from '../../core/limits.ts';
import type { Redactor } from '../../core/redact/redactor.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { BrokenPart, ForeignFile, ForeignFormat, ForeignPart, ForeignRun } from './foreign.ts';
import { readDevtools } from './formats/devtools.ts';
import { readMoa } from './formats/moa.ts';
import { readTranscript } from './formats/swe-agent.ts';
import { createDerivedIds, createImportClock, importWriterId } from './import-time.ts';
import type { ParentOf } from './record-run.ts';
import { recordRun } from './record-run.ts';

/** A run that was imported before. */
export interface KnownRun {
  readonly runId: string;
  readonly rootRunId: string;
  readonly startedAtMs: number;
  /** False for one whose import broke off: it is written again, which adds what is missing. */
  readonly isEnded: boolean;
}

/** What an import goes through. */
export interface ForeignImport {
  /** Keeps entries, in order; durable when it resolves. */
  readonly keep: (entries: readonly JournalEntry[]) => Promise<void>;
  /** The run with this value of the label `import.id`, or `null`. */
  readonly findRun: (importId: string) => Promise<KnownRun | null>;
  /** 32 bytes, the project's. */
  readonly contentKey: Uint8Array;
  readonly redactor: Redactor;
  readonly limits?: Partial<Limits>;
  /** The time of what a file gives none for, taken to the second: when it was last written. Unix milliseconds. */
  readonly fileTimeMs: number;
  readonly onProgress?: (progress: ForeignProgress) => void;
  readonly onError?: (error: unknown) => void;
}

/** How far an import is. */
export interface ForeignProgress {
  readonly file: string;
  readonly runs: number;
  readonly steps: number;
}

/** What an import did. */
export interface ForeignReport {
  readonly file: string;
  readonly format: ForeignFormat;
  /** Runs that are here now, in the file's order, and whether they came with this import. */
  readonly runs: readonly { readonly runId: string; readonly isNew: boolean; readonly steps: number }[];
  readonly broken: readonly BrokenPart[];
}

const readers: Readonly<Record<ForeignFormat, (file: ForeignFile) => AsyncIterable<ForeignPart>>> = {
  'swe-agent': readTranscript,
  moa: readMoa,
  'ai-sdk-devtools': readDevtools,
};

const toSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** A journal that hands on what it was given, run by run. It loses nothing: `take` is called after each run. */
function createHandOver(): Journal & { take(): JournalEntry[] } {
  let entries: JournalEntry[] = [];
  let written = 0;
  return {
    durability: 'process',
    append(entry) {
      entries.push(entry);
      written += 1;
      return 'kept';
    },
    takeLoss: () => null,
    generation: () => 0,
    flush: async () => ({ state: 'durable', written, lost: 0 }),
    close: async () => undefined,
    take() {
      const taken = entries;
      entries = [];
      return taken;
    },
  };
}

/**
 * Imports a file of another tool through the recorder: redacted, chained, marked `import` and observed after the fact, at the
 * times the file tells. Ids follow from what is imported: a second time adds nothing. A broken part is told by its place,
 * and the rest is imported. Rejects only with what reading or keeping rejects with.
 */
export async function importForeign(
  file: ForeignFile,
  format: ForeignFormat,
  options: ForeignImport,
): Promise<ForeignReport> {
  const clock = createImportClock(options.fileTimeMs);
  const ids = createDerivedIds(clock);
  const journal = createHandOver();
  const { contentKey, redactor, limits, onError } = options;
  const recorder = createRecorder({
    journal,
    clock,
    ids,
    contentKey,
    redactor,
    writerId: importWriterId,
    ...(limits === undefined ? {} : { limits }),
    ...(onError === undefined ? {} : { onError }),
  });
  const runs: { runId: string; isNew: boolean; steps: number }[] = [];
  const broken: BrokenPart[] = [];
  const parentByIdentity = new Map<string, ParentOf>();
  let steps = 0;

  const take = async (run: ForeignRun): Promise<void> => {
    const importId = hash('sha256', `${format}\n${run.identity}`).slice(0, 32);
    const known = await options.findRun(importId);
    if (known?.isEnded === true) {
      const { runId, rootRunId } = known;
      parentByIdentity.set(run.identity, () => ({ runId, rootRunId, stepId: null }));
      runs.push({ runId: known.runId, isNew: false, steps: run.steps.length });
      return;
    }
    // To the second the file's time; its milliseconds tell runs apart whose ids would begin alike.
    const fallbackMs =
      known?.startedAtMs ?? toSecond(options.fileTimeMs) + (Number.parseInt(importId.slice(0, 8), 16) % 1000);
    clock.set(run.startedAtMs ?? fallbackMs);
    ids.begin(importId);
    const runId = ids.uuid();
    const parent = run.parent === null ? null : (parentByIdentity.get(run.parent.identity) ?? null);
    const labels = { 'import.format': format, 'import.file': file.name, 'import.id': importId };
    parentByIdentity.set(run.identity, recordRun({ recorder, clock }, run, { runId, fallbackMs, labels, parent }));
    await options.keep(journal.take());
    runs.push({ runId, isNew: true, steps: run.steps.length });
  };

  for await (const part of readers[format](file)) {
    if (part.kind === 'broken') broken.push(part.broken);
    else {
      await take(part.run);
      steps += part.run.steps.length;
      options.onProgress?.({ file: file.name, runs: runs.length, steps });
    }
  }
  await recorder.close();
  return { file: file.name, format, runs, broken };
}
