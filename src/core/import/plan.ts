import type { Content } from '../content/content.ts';
import type { Prices } from '../cost/prices.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { ImportBatch, StoredEvent, WriterHead } from '../store.ts';
import { applyEvent, nextHead } from './apply/event.ts';
import { blankRun } from './blank.ts';
import type { FoldState } from './fold-state.ts';
import { countInRun, stepKey } from './fold-state.ts';
import type { ContentUse, ImportChanges, ImportKeys, ImportRows, StepOfRun } from './plan-rows.ts';
import { contentKey } from './plan-rows.ts';
import { digestField, payloadOf } from './reading.ts';

/** Payload fields whose contents are shown in previews and summaries. */
const previewed = ['firstUserMessage', 'response', 'result', 'inputs', 'output'] as const;

/** What a store must load before it can plan this batch. */
export function importKeys(batch: ImportBatch): ImportKeys {
  const runIds = new Set<string>();
  const steps = new Map<string, StepOfRun>();
  const attemptSteps = new Map<string, StepOfRun>();
  const carried = new Set<string>();
  const contents = new Map<string, { runId: string; contentId: string }>();
  for (const { event, contents: brought } of batch.entries) {
    const { runId, stepId, attempt, type } = event.header;
    runIds.add(runId);
    if (stepId !== null) steps.set(stepKey(runId, stepId), { runId, stepId });
    if (stepId !== null && (attempt !== null || type.startsWith('attempt-')))
      attemptSteps.set(stepKey(runId, stepId), { runId, stepId });
    for (const content of brought) carried.add(content.id);
    if (type !== 'run-create' && type !== 'run-end' && type !== 'step-start' && type !== 'step-end') continue;
    const payload = payloadOf(event);
    for (const key of previewed) {
      const contentId = digestField(payload, key);
      if (contentId !== null && !carried.has(contentId)) contents.set(`${runId}/${contentId}`, { runId, contentId });
    }
  }
  return {
    runIds: [...runIds],
    steps: [...steps.values()],
    attemptSteps: [...attemptSteps.values()],
    contents: [...contents.values()],
  };
}

interface Plan {
  readonly state: FoldState;
  readonly epochByRun: ReadonlyMap<string, number>;
  readonly writerByKey: Map<string, WriterHead>;
  readonly touchedWriters: Set<string>;
  readonly touchedRuns: Set<string>;
  readonly events: StoredEvent[];
}

/** The epoch that each run of a batch lives in, as far as the batch tells: what a run's first entry says. */
export function batchEpochs(batch: ImportBatch): Map<string, number> {
  const epochByRun = new Map<string, number>();
  for (const { epoch, event } of batch.entries)
    if (!epochByRun.has(event.header.runId)) epochByRun.set(event.header.runId, epoch);
  return epochByRun;
}

function startPlan(batch: ImportBatch, rows: ImportRows, prices: Prices | null): Plan {
  const epochByRun = new Map([...batchEpochs(batch), ...rows.epochByRun]);
  const carried = new Map<string, Content>();
  for (const { event, contents } of batch.entries) {
    // A content lies where its run lives, whatever its entry says: a rebuild looks for it nowhere else.
    const epoch = epochByRun.get(event.header.runId)!;
    for (const content of contents) carried.set(contentKey(epoch, content.id), content);
  }
  return {
    epochByRun,
    state: {
      runById: new Map(rows.runById),
      stepByKey: new Map(rows.stepByKey),
      attemptByKey: new Map(rows.attemptByKey),
      contentOf(runId, id) {
        const key = contentKey(epochByRun.get(runId)!, id);
        return carried.get(key) ?? rows.contentByKey.get(key);
      },
      prices,
      touchedSteps: new Set(),
      touchedAttempts: new Set(),
    },
    writerByKey: new Map(rows.writerByKey),
    touchedWriters: new Set(),
    touchedRuns: new Set(),
    events: [],
  };
}

/** Adds one event to the plan; false when the store has it already. */
function planEvent(plan: Plan, projectId: string, event: RecordedEvent): boolean {
  const { runId, writerId, timeMs } = event.header;
  const key = `${runId}/${writerId}`;
  const next = nextHead(plan.writerByKey.get(key), { ...event.header, hash: event.hash });
  if (next === null) return false;
  plan.writerByKey.set(key, next.head);
  plan.touchedWriters.add(key);
  plan.touchedRuns.add(runId);
  const { runById } = plan.state;
  if (!runById.has(runId)) runById.set(runId, blankRun(projectId, runId, timeMs));
  if (next.holes !== 0) countInRun(plan.state, runId, { missing: next.holes });
  const stored: StoredEvent = { ...event, seq: runById.get(runId)!.lastSeq + 1 };
  plan.events.push(stored);
  applyEvent(plan.state, projectId, stored);
  return true;
}

/**
 * What importing a batch changes: events with their seq, whole views, heads, contents and their uses. Pure; the store
 * writes it in one transaction. An event that is there already brings nothing, not even its contents, so that what was
 * erased does not come back. Calls whose record tells no cost are estimated by `prices`, or left without one.
 */
export function planImport(batch: ImportBatch, rows: ImportRows, prices: Prices | null = null): ImportChanges {
  const plan = startPlan(batch, rows, prices);
  const contents: { epoch: number; content: Content }[] = [];
  const nodes: ImportChanges['nodes'][number][] = [];
  const uses: ContentUse[] = [];
  let duplicates = 0;
  for (const { event, contents: brought, nodes: grown } of batch.entries) {
    if (!planEvent(plan, batch.projectId, event)) {
      duplicates += 1;
      continue;
    }
    const { runId, stepId } = event.header;
    const epoch = plan.epochByRun.get(runId)!;
    for (const content of brought) {
      contents.push({ epoch, content });
      uses.push({ epoch, runId, stepId, contentId: content.id });
    }
    for (const node of grown) nodes.push({ epoch, node });
  }
  const { state } = plan;
  return {
    events: plan.events,
    runs: [...plan.touchedRuns].map((id) => state.runById.get(id)!),
    epochByRun: plan.epochByRun,
    steps: [...state.touchedSteps].map((key) => state.stepByKey.get(key)!),
    attempts: [...state.touchedAttempts].map((key) => state.attemptByKey.get(key)!),
    writers: [...plan.touchedWriters].map((key) => plan.writerByKey.get(key)!),
    contents,
    nodes,
    uses,
    duplicates,
  };
}
