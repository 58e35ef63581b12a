import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { TachographError } from '../core/error.ts';
import type { Content } from '../core/content/content.ts';
import type { JournalEntry } from '../core/journal.ts';
import { createMemoryJournal } from '../core/memory-journal.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import { createRecorder } from '../core/record/recorder.ts';
import type { Recorder, RunRecorder } from '../core/record/recording.ts';
import { foldEvents } from '../core/import/fold.ts';
import { createRunFileSigner } from '../core/run-file/signature.ts';
import { writeRunFile } from '../core/run-file/writer.ts';
import type { StoreReader } from '../core/store.ts';
import { openRunFile, pathTo } from './recorded-run.ts';
import type { ReplayOptions } from './replay-model.ts';
import { replayModel } from './replay-model.ts';
import { replayTools } from './replay-tools.ts';

/** What records a model and its tools: the exports of `tachograph/ai-sdk`, handed in. */
export interface ModelCapture {
  recordModel<M>(model: M, recorder: Recorder): M;
  recordTools<T extends Readonly<Record<string, unknown>>>(tools: T, recorder: Recorder): T;
}

/** How a fixture is made. */
export interface FixtureOptions<M, T> extends ReplayOptions {
  /** The run file to replay, and to write when recording. */
  readonly file: string;
  /** The real model; asked for only when recording. */
  readonly model: () => M;
  readonly tools?: T;
  /** `() => import('tachograph/ai-sdk')`; asked for only when recording. */
  readonly capture: () => Promise<ModelCapture>;
  /** `record` writes the file anew, `replay` never records. Default: `record` when TACHOGRAPH_RECORD is 1 or the file is not there. */
  readonly mode?: 'record' | 'replay';
  readonly redact?: RedactOptions;
}

/** A model and its tools, recorded once and replayed from then on. */
export interface ReplayFixture<M, T> {
  readonly model: M;
  readonly tools: T;
  readonly isRecording: boolean;
  /** To be called after the test: writes the file when recording, else throws what diverged and what was not asked for. */
  finish(): Promise<void>;
}

type Method = (...args: unknown[]) => unknown;

/** An object whose methods run in the scope of a run; everything else is its own. */
function insideRun<O extends object>(target: O, run: RunRecorder, isMethod: (name: string) => boolean): O {
  return new Proxy(target, {
    get(of, name, receiver) {
      const value: unknown = Reflect.get(of, name, receiver);
      if (typeof value !== 'function' || typeof name !== 'string' || !isMethod(name)) return value;
      return (...args: unknown[]) => run.within(() => (value as Method).apply(of, args));
    },
  });
}

/** As much of a store as a run file is written from. */
function entriesToReader(projectId: string, runId: string, entries: readonly JournalEntry[]): StoreReader {
  const own = entries.filter(({ event }) => event.header.runId === runId);
  const contentById = new Map(entries.flatMap(({ contents }) => contents.map((one) => [one.id, one] as const)));
  const nodeById = new Map(entries.flatMap(({ nodes }) => nodes.map((one) => [one.id, one] as const)));
  const events = own.map(({ event }, at) => ({ ...event, seq: at + 1 }));
  const { run } = foldEvents(projectId, events, contentById);
  const contents = (ids: readonly string[]): readonly Content[] => ids.flatMap((id) => contentById.get(id) ?? []);
  const reader: Partial<StoreReader> = {
    getRun: async () => run,
    listSeals: async () => [],
    listEvents: async (_project, _run, { fromSeq = 1, limit = events.length } = {}) =>
      events.slice(fromSeq - 1, fromSeq - 1 + limit),
    readContents: async (_project, _run, ids) => contents(ids),
    readContextNodes: async (_project, _run, nodeId) => pathTo(nodeById, nodeId),
    readContext: async (_project, _run, nodeId, { from = 0 } = {}) =>
      contents(
        pathTo(nodeById, nodeId)
          .slice(from)
          .map(({ contentId }) => contentId),
      ),
  };
  return reader as StoreReader;
}

async function writeFixture(file: string, runId: string, entries: readonly JournalEntry[]): Promise<void> {
  const store = entriesToReader('fixture', runId, entries);
  const signer = createRunFileSigner(new Uint8Array(32));
  const lines: string[] = [];
  for await (const line of writeRunFile({ store, projectId: 'fixture', runId, signer })) lines.push(line);
  await mkdir(dirname(file), { recursive: true });
  // Whole or not at all: a test that is killed while it records leaves the old file.
  await writeFile(`${file}.new`, lines.join(''));
  await rename(`${file}.new`, file);
}

async function record<M, T extends Readonly<Record<string, unknown>>>(
  options: FixtureOptions<M, T>,
): Promise<ReplayFixture<M, T>> {
  const { recordModel, recordTools } = await options.capture();
  const journal = createMemoryJournal();
  const recorder = createRecorder({
    journal,
    contentKey: new Uint8Array(32),
    ...(options.redact === undefined ? {} : { redact: options.redact }),
  });
  const run = recorder.startRun({ agentId: 'fixture', capture: 'ai-sdk' });
  const model = recordModel(options.model(), recorder) as object;
  const tools = recordTools((options.tools ?? {}) as T, recorder);
  const isolated = Object.entries(tools).map(([name, tool]) => [
    name,
    typeof tool === 'object' && tool !== null ? insideRun(tool, run, (method) => method === 'execute') : tool,
  ]);
  return {
    model: insideRun(model, run, (method) => method.startsWith('do')) as M,
    tools: Object.fromEntries(isolated) as T,
    isRecording: true,
    async finish() {
      run.close({ endReason: 'ok' });
      await recorder.close();
      await writeFixture(options.file, run.id, journal.entries);
    },
  };
}

/**
 * A model and tools for a test: recorded once into a run file, then replayed with no tokens and no network. With
 * TACHOGRAPH_RECORD=1 they are recorded anew. Throws `replay-not-recorded` when it may not record and there is no file.
 */
export async function openReplayFixture<M extends object, T extends Readonly<Record<string, unknown>>>(
  options: FixtureOptions<M, T>,
): Promise<ReplayFixture<M, T>> {
  const isThere = existsSync(options.file);
  const mode = options.mode ?? (process.env['TACHOGRAPH_RECORD'] === '1' || !isThere ? 'record' : 'replay');
  if (mode === 'record') return record(options);
  if (!isThere)
    throw new TachographError(
      'replay-not-recorded',
      `There is no recording ${JSON.stringify(options.file)}: run the test once with TACHOGRAPH_RECORD=1.`,
    );
  const recorded = await openRunFile(options.file);
  const model = replayModel(recorded, options);
  return {
    model: model as unknown as M,
    tools: replayTools(recorded, (options.tools ?? {}) as T, options),
    isRecording: false,
    finish: async () => model.assertDone(),
  };
}
