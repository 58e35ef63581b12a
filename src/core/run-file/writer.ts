import { createHash } from 'node:crypto';
import { TachographError } from '../error.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import type { StoreReader } from '../store.ts';
import type { Closing, Manifest, RunFileLine, WriterExtent } from './line.ts';
import { lineToText } from './line.ts';
import type { PageContents, Written } from './needs.ts';
import { createNeedsReader, needsToLines } from './needs.ts';
import type { RunFileSigner } from './signature.ts';

/** Where a run that was imported came from: what its file said beside the record. */
export interface RunOrigin {
  readonly projectId: string;
  readonly seals: readonly Seal[];
  readonly closing: Closing;
}

/** What a run file is written from. */
export interface RunFileSource {
  readonly store: StoreReader;
  readonly projectId: string;
  readonly runId: string;
  readonly signer: RunFileSigner;
  /** For a run that came from a run file; left out for all others. */
  readonly origin?: RunOrigin | null;
}

/** Events read at a time; with their contents they are what writing holds in memory. */
const pageEvents = 200;

async function* readEvents(source: RunFileSource): AsyncGenerator<readonly RecordedEvent[]> {
  for (let fromSeq = 1; ;) {
    const page = await source.store.listEvents(source.projectId, source.runId, { fromSeq, limit: pageEvents });
    if (page.length > 0) yield page;
    if (page.length < pageEvents) return;
    fromSeq = page.at(-1)!.seq + 1;
  }
}

/** What is known of a run before a line of it is written. */
interface Plan {
  readonly rootRunId: string;
  readonly ownSeals: readonly Seal[];
  /** In the order of their first events. */
  readonly writers: readonly WriterExtent[];
  /** Numbers that the store got behind higher ones of the same writer, by writer. */
  readonly lateByWriter: ReadonlyMap<string, ReadonlySet<number>>;
}

async function planFile(source: RunFileSource): Promise<Plan> {
  const { store, projectId, runId } = source;
  const { rootRunId } = await store.getRun(projectId, runId);
  // Seals before events: a run that goes on has events without a seal, never a seal without its events.
  const ownSeals = await store.listSeals(projectId, runId);
  const byWriter = new Map<string, WriterExtent>();
  const lateByWriter = new Map<string, Set<number>>();
  for await (const page of readEvents(source)) {
    for (const { header } of page) {
      const { writerId, n } = header;
      const before = byWriter.get(writerId) ?? { writerId, last: 0, events: 0 };
      if (n < before.last) lateByWriter.set(writerId, (lateByWriter.get(writerId) ?? new Set()).add(n));
      byWriter.set(writerId, { writerId, last: Math.max(before.last, n), events: before.events + 1 });
    }
  }
  return { rootRunId, ownSeals, writers: [...byWriter.values()], lateByWriter };
}

/** The seals of its origin first, then those that this store made of the run. */
function toSeals({ ownSeals }: Plan, origin: RunOrigin | null, isGrown: boolean): readonly Seal[] {
  if (origin === null) return ownSeals;
  return isGrown ? [...origin.seals, ...ownSeals] : origin.seals;
}

function eventToLine(event: RecordedEvent): RunFileLine {
  const { header, payload, salt } = event;
  const hash = Buffer.from(event.hash);
  if (payload === null && salt === null) return { kind: 'erased', header, digest: Buffer.from(event.digest), hash };
  if (payload !== null && salt !== null) return { kind: 'event', header, payload, salt: Buffer.from(salt), hash };
  throw new TachographError(
    'store-broken',
    `Event ${header.n} of writer ${header.writerId} has lost a part of itself and cannot be exported. tachograph verify ${header.runId} says more.`,
  );
}

/** An event that waits for earlier ones of its writer, with what it may need. */
interface Waiting {
  readonly event: RecordedEvent;
  readonly page: PageContents;
}

/** Puts events of each writer into the order of n; almost always they are. What the plan does not know is left out. */
function createQueue({ writers, lateByWriter }: Plan): (waiting: Waiting) => Waiting[] {
  const stateByWriter = new Map(
    writers.map(({ writerId, events }) => [
      writerId,
      { left: events, late: new Set(lateByWriter.get(writerId)), waiting: [] as Waiting[] },
    ]),
  );
  return (next) => {
    const { writerId, n } = next.event.header;
    const state = stateByWriter.get(writerId);
    // What a run that goes on has written since is left for the next file.
    if (state === undefined || state.left === 0) return [];
    state.left -= 1;
    state.late.delete(n);
    state.waiting.push(next);
    state.waiting.sort((a, b) => a.event.header.n - b.event.header.n);
    const firstLate = Math.min(...state.late);
    const count = state.waiting.filter(({ event }) => event.header.n < firstLate).length;
    return state.waiting.splice(0, count);
  };
}

/** All lines but the last. */
async function* toLines(source: RunFileSource, plan: Plan, isGrown: boolean): AsyncGenerator<RunFileLine> {
  const { projectId, runId, origin = null } = source;
  const { rootRunId, writers } = plan;
  const seals = toSeals(plan, origin, isGrown);
  const manifest: Manifest = {
    projectId: origin?.projectId ?? projectId,
    runId,
    rootRunId,
    writers,
    seals: seals.length,
  };
  yield { kind: 'manifest', manifest };
  for (const seal of seals) yield { kind: 'seal', seal };
  const written: Written = { contentIds: new Set(), nodeIds: new Set() };
  const needs = createNeedsReader(source, written, plan.lateByWriter.size === 0);
  const inOrder = createQueue(plan);
  for await (const events of readEvents(source)) {
    const page = await needs.readPage(events);
    for (const event of events) {
      for (const ready of inOrder({ event, page })) {
        yield* needsToLines(ready.event, ready.page, written);
        yield eventToLine(ready.event);
      }
    }
  }
}

async function digestOf(lines: AsyncIterable<RunFileLine>): Promise<string> {
  const sum = createHash('sha256');
  for await (const line of lines) sum.update(lineToText(line)).update('\n');
  return sum.digest('hex');
}

/**
 * Writes the run file of a run, line by line, each with its line feed. Equal records give equal bytes: a run that was
 * imported and has not changed since comes out as it came in, signature and all. `run-not-found` when there is none.
 */
export async function* writeRunFile(source: RunFileSource): AsyncGenerator<string> {
  const { origin = null } = source;
  const plan = await planFile(source);
  const isSame = origin !== null && (await digestOf(toLines(source, plan, false))) === origin.closing.digest;
  const sum = createHash('sha256');
  for await (const line of toLines(source, plan, !isSame)) {
    const text = `${lineToText(line)}\n`;
    sum.update(text);
    yield text;
  }
  const digest = sum.digest('hex');
  const closing = isSame && origin.closing.digest === digest ? origin.closing : source.signer.close(digest);
  yield `${lineToText({ kind: 'end', closing })}\n`;
}
