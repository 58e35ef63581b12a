import { readFile } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { readBody } from '../core/content/body-reading.ts';
import type { Content } from '../core/content/content.ts';
import type { ContextNode } from '../core/content/context.ts';
import { rootNodeId } from '../core/content/context.ts';
import { TachographError } from '../core/error.ts';
import { foldEvents } from '../core/import/fold.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { AttemptView, BodyRef } from '../core/model/attempt.ts';
import type { RunView } from '../core/model/run.ts';
import type { StepView } from '../core/model/step.ts';
import { createRunFileReader } from '../core/run-file/reader.ts';
import type { StoreReader } from '../core/store.ts';

/** A recorded run as replay reads it. Texts are exact; what was erased is `null`. */
export interface RecordedRun {
  readonly run: RunView;
  /** By number. */
  readonly steps: readonly StepView[];
  /** By step, then number. */
  readonly attempts: readonly AttemptView[];
  readText(contentId: string | null): Promise<string | null>;
  /** Texts of a context in order; erased ones are left out. */
  readPath(nodeId: string | null): Promise<readonly string[]>;
  readBody(body: BodyRef | null): Promise<string | null>;
}

function toText({ bytes }: Content): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

interface Source {
  contents(ids: readonly string[]): Promise<readonly Content[]>;
  path(nodeId: string): Promise<readonly Content[]>;
}

function createRun(views: Pick<RecordedRun, 'run' | 'steps' | 'attempts'>, source: Source): RecordedRun {
  return {
    ...views,
    async readText(contentId) {
      if (contentId === null) return null;
      const [content] = await source.contents([contentId]);
      return content === undefined ? null : toText(content);
    },
    readPath: async (nodeId) => (nodeId === null ? [] : (await source.path(nodeId)).map(toText)),
    async readBody(body) {
      if (body === null) return null;
      const bytes = await readBody(body, { readContents: source.contents, readPath: source.path });
      return bytes === null ? null : Buffer.from(bytes).toString('utf8');
    },
  };
}

/** The first run among journal entries, as a run file or a journal in memory holds them. */
export function entriesToRun(projectId: string, entries: readonly JournalEntry[]): RecordedRun {
  const runId = entries[0]!.event.header.runId;
  const own = entries.filter(({ event }) => event.header.runId === runId);
  const contentById = new Map(entries.flatMap(({ contents }) => contents.map((one) => [one.id, one] as const)));
  const nodeById = new Map(entries.flatMap(({ nodes }) => nodes.map((one) => [one.id, one] as const)));
  const events = own.map(({ event }, at) => ({ ...event, seq: at + 1 }));
  const contents = async (ids: readonly string[]): Promise<readonly Content[]> =>
    ids.flatMap((id) => contentById.get(id) ?? []);
  return createRun(foldEvents(projectId, events, contentById), {
    contents,
    path: (nodeId) => contents(pathTo(nodeById, nodeId).map(({ contentId }) => contentId)),
  });
}

/** Nodes from the root to a tip; none when a link is missing. */
export function pathTo(nodeById: ReadonlyMap<string, ContextNode>, tip: string): readonly ContextNode[] {
  const path: ContextNode[] = [];
  for (let id = tip; id !== rootNodeId;) {
    const node = nodeById.get(id);
    if (node === undefined) return [];
    path.push(node);
    id = node.parentId;
  }
  return path.reverse();
}

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Reads a run file, plain or under zstd. Throws `export-foreign` for one that is not whole or was changed. */
export async function openRunFile(path: string): Promise<RecordedRun> {
  const packed = await readFile(path);
  const bytes = packed.subarray(0, 4).equals(zstdMagic) ? zstdDecompressSync(packed) : packed;
  const reader = createRunFileReader({ name: path });
  const entries = reader.push(bytes);
  const { manifest, change } = reader.finish();
  if (change !== null || entries.length === 0)
    throw new TachographError('export-foreign', `${path} cannot be replayed: ${change?.message ?? 'it is empty'}`);
  return entriesToRun(manifest.projectId, entries);
}

const pageSteps = 1000;

/** A run of a store. `run-not-found` when there is none. */
export async function openStoredRun(store: StoreReader, projectId: string, runId: string): Promise<RecordedRun> {
  const run = await store.getRun(projectId, runId);
  const steps: StepView[] = [];
  for (let fromNumber = 1; fromNumber <= run.lastStepNumber; fromNumber += pageSteps)
    steps.push(...(await store.listSteps(projectId, runId, { fromNumber, limit: pageSteps })));
  const attempts = await store.listAttempts(projectId, runId);
  return createRun(
    { run, steps, attempts },
    {
      contents: (ids) => store.readContents(projectId, runId, ids),
      path: (nodeId) => store.readContext(projectId, runId, nodeId),
    },
  );
}
