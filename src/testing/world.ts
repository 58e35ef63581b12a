import { createContentNamer, type Content, type ContentKind } from '../core/content/content.ts';
import { type ContextNode, epochOf, nodeIdOf, rootNodeId } from '../core/content/context.ts';
import { uuidToMs } from '../core/id.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { Cost } from '../core/model/cost.ts';
import type { EndReason } from '../core/model/run.ts';
import type { RecordedError, StepStatus } from '../core/model/step.ts';
import { unknownUsage, type Usage } from '../core/model/usage.ts';
import { chainEvent, zeroHash } from '../core/record/chain.ts';
import type { EventType } from '../core/record/event.ts';
import type { RunCreateFacts } from '../core/record/facts.ts';
import type { RunCreatePayload } from '../core/record/payload.ts';
import type { ImportBatch } from '../core/store.ts';

/** Monday 2 November 2026, 00:00 UTC: the beginning of an epoch. */
export const worldStartMs = Date.UTC(2026, 10, 2);

/** What a built run begins with; the rest has defaults. */
export interface BuiltRun extends Partial<RunCreatePayload> {
  readonly id?: string;
  readonly timeMs?: number;
  readonly writerId?: string;
  readonly parent?: RunBuilder | string;
  readonly dryRun?: boolean;
  /** `false`: created, not started. */
  readonly started?: boolean;
}

/** One step that a builder records whole: its begin, its end, its attempt when it has a body. */
export interface BuiltStep {
  readonly kind?: 'model' | 'tool' | 'phase';
  readonly name?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly messages?: readonly unknown[];
  readonly output?: unknown;
  readonly args?: unknown;
  readonly result?: unknown;
  /** `null`: begun and not ended. */
  readonly status?: Exclude<StepStatus, 'in_progress'> | null;
  readonly usage?: Usage | null;
  readonly cost?: Cost | null;
  readonly durationMs?: number | null;
  readonly error?: RecordedError;
  /** Body of one HTTP attempt. */
  readonly body?: unknown;
}

/** One event that a builder records. */
export interface BuiltEvent {
  readonly facts?: unknown;
  readonly payload?: unknown;
  readonly stepId?: string;
  readonly attempt?: number;
  readonly contents?: readonly Content[];
  readonly nodes?: readonly ContextNode[];
}

/** Builds the journal entries of one writer's part in one run, chained as a recorder chains them. */
export interface RunBuilder {
  readonly id: string;
  readonly rootId: string;
  readonly epoch: number;
  readonly writerId: string;
  /** Everything built so far. */
  readonly entries: readonly JournalEntry[];
  emit(type: EventType, event?: BuiltEvent): RunBuilder;
  /** Records a step; its id is in `lastStepId`. */
  step(step?: BuiltStep): RunBuilder;
  readonly lastStepId: string;
  end(
    endReason?: EndReason,
    fields?: { output?: unknown; durationMs?: number; error?: RecordedError; swept?: boolean },
  ): RunBuilder;
  /** The same run written by another process. */
  writer(writerId: string): RunBuilder;
  /** The entries that no earlier `take` gave. */
  take(): JournalEntry[];
}

/** Builds runs with repeatable ids, times and names, sharing contents as one recorder would. */
export interface World {
  run(run?: BuiltRun): RunBuilder;
  /** The next repeatable UUIDv7. */
  uuid(timeMs?: number): string;
  content(kind: ContentKind, value: unknown): Content;
}

/** An import batch of entries. */
export function toBatch(
  entries: readonly JournalEntry[],
  projectId = 'default',
  position: ImportBatch['position'] = null,
): ImportBatch {
  return { projectId, entries, position };
}

/** A usage with these totals. */
export function usageOf(input: number | null, output: number | null): Usage {
  return {
    ...unknownUsage,
    input: { ...unknownUsage.input, total: input },
    output: { ...unknownUsage.output, total: output },
  };
}

/** An error as a recorder writes it. */
export function errorOf(message: string): RecordedError {
  return { name: 'Error', message, code: null, status: null, isRetryable: null, causes: [] };
}

interface Memory {
  readonly contents: Set<string>;
  readonly nodes: Set<string>;
}

/** A world whose every id follows from the number of calls before. */
export function createWorld(): World {
  const namer = createContentNamer(new Uint8Array(32).fill(7));
  const memoryByEpoch = new Map<number, Memory>();
  let uuids = 0;
  let clockMs = worldStartMs;

  const uuid = (timeMs = clockMs): string => {
    uuids += 1;
    const time = timeMs.toString(16).padStart(12, '0');
    const tail = uuids.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
  };
  const content = (kind: ContentKind, value: unknown): Content => {
    const bytes = Buffer.from(JSON.stringify(value));
    return { ...namer.name(bytes), kind, bytes };
  };
  const memoryOf = (epoch: number): Memory => {
    let memory = memoryByEpoch.get(epoch);
    if (memory === undefined) memoryByEpoch.set(epoch, (memory = { contents: new Set(), nodes: new Set() }));
    return memory;
  };
  return {
    uuid,
    content,
    run(run = {}) {
      clockMs = run.timeMs ?? clockMs + 1000;
      const id = run.id ?? uuid(clockMs);
      const parentId = typeof run.parent === 'string' ? run.parent : (run.parent?.id ?? null);
      const rootId = typeof run.parent === 'object' ? run.parent.rootId : (parentId ?? id);
      const epoch = epochOf(uuidToMs(rootId));
      const writerId = run.writerId ?? 'a'.repeat(16);
      const tools = { id, rootId, epoch, uuid, content, memory: memoryOf(epoch), startMs: clockMs };
      return createRunBuilder(tools, writerId).emit('run-create', createdEvent(tools, run, parentId));
    },
  };
}

interface RunTools {
  readonly id: string;
  readonly rootId: string;
  readonly epoch: number;
  readonly startMs: number;
  readonly memory: Memory;
  uuid(timeMs?: number): string;
  content(kind: ContentKind, value: unknown): Content;
}

function createdEvent(tools: RunTools, run: BuiltRun, parentRunId: string | null): BuiltEvent {
  const {
    id: _id,
    timeMs: _timeMs,
    writerId: _writerId,
    parent: _parent,
    dryRun = false,
    started = true,
    ...payload
  } = run;
  const facts: RunCreateFacts = {
    parentRunId,
    parentStepId: null,
    rootRunId: tools.rootId,
    source: 'live',
    dryRun,
    shadow: false,
    started,
    observedAfter: false,
    durability: 'process',
  };
  return { facts, payload: { agentId: 'agent', kind: 'agent', ...payload } };
}

/** What a step brings that its epoch does not have yet. */
function createDraft({ memory, content }: RunTools) {
  const contents: Content[] = [];
  const nodes: ContextNode[] = [];
  const keep = (kind: ContentKind, value: unknown): string => {
    const made = content(kind, value);
    if (!memory.contents.has(made.id)) contents.push(made);
    memory.contents.add(made.id);
    return made.id;
  };
  return {
    contents,
    nodes,
    keep,
    context(values: readonly unknown[]): string {
      let parentId = rootNodeId;
      for (const [index, value] of values.entries()) {
        const contentId = keep('message', value);
        const id = nodeIdOf(parentId, contentId);
        if (!memory.nodes.has(id)) nodes.push({ id, parentId, contentId, depth: index + 1 });
        memory.nodes.add(id);
        parentId = id;
      }
      return parentId;
    },
  };
}

function emitBegin(builder: RunBuilder, tools: RunTools, stepId: string, step: BuiltStep): void {
  const { kind = 'model', name, provider, model, messages, args } = step;
  const draft = createDraft(tools);
  builder.emit('step-start', {
    stepId,
    facts: {
      kind,
      operation: kind === 'model' ? 'generate' : null,
      parentStepId: null,
      observedAfter: false,
      prefixBreak: null,
    },
    payload: {
      name,
      provider,
      model: kind === 'model' ? (model ?? 'model-1') : undefined,
      ...(messages === undefined ? {} : { context: draft.context(messages), contextLength: messages.length }),
      ...(args === undefined ? {} : { args: draft.keep('args', args) }),
    },
    contents: draft.contents,
    nodes: draft.nodes,
  });
}

function emitAttempt(builder: RunBuilder, tools: RunTools, stepId: string, body: unknown): void {
  const draft = createDraft(tools);
  const contentId = draft.keep('body', body);
  const ref = {
    contentId,
    nodeId: null,
    pieces: 0,
    bytes: null,
    contentType: 'application/json',
    truncated: false,
    withheld: null,
  };
  const request = {
    method: 'POST',
    url: 'https://model.test/v1/generate',
    path: '/v1/generate',
    headers: { accept: 'application/json' },
    body: ref,
  };
  builder.emit('attempt-start', { stepId, attempt: 1, payload: request, contents: draft.contents });
  const facts = { status: 'completed', responseStatus: 200, durationMs: 12.5, retryClass: null, retryDelayMs: null };
  builder.emit('attempt-end', { stepId, attempt: 1, facts, payload: { headers: { 'x-request-id': 'request-1' } } });
}

function emitFinish(builder: RunBuilder, tools: RunTools, stepId: string, step: BuiltStep): void {
  const {
    kind = 'model',
    status = 'completed',
    output,
    result,
    error,
    usage = null,
    cost = null,
    durationMs = 10,
  } = step;
  if (status === null) return;
  const draft = createDraft(tools);
  const resultStatus = kind === 'tool' ? (status === 'completed' ? 'success' : 'error') : null;
  builder.emit('step-end', {
    stepId,
    facts: { status, durationMs, timeToFirstTokenMs: null, usage, cost, resultStatus, swept: false },
    payload: {
      ...(output === undefined ? {} : { response: draft.keep('output', output) }),
      ...(result === undefined ? {} : { result: draft.keep('result', result) }),
      ...(error === undefined ? {} : { error }),
    },
    contents: draft.contents,
  });
}

function createRunBuilder(tools: RunTools, writerId: string): RunBuilder {
  const entries: JournalEntry[] = [];
  let taken = 0;
  let n = 0;
  let previous = zeroHash;
  let lastStepId = '';
  const builder: RunBuilder = {
    id: tools.id,
    rootId: tools.rootId,
    epoch: tools.epoch,
    writerId,
    entries,
    get lastStepId() {
      return lastStepId;
    },
    emit(type, { facts, payload = {}, stepId, attempt, contents = [], nodes = [] } = {}) {
      n += 1;
      const header = {
        runId: tools.id,
        writerId,
        n,
        type,
        timeMs: tools.startMs + n - 1,
        stepId: stepId ?? null,
        attempt: attempt ?? null,
        facts: facts === undefined ? null : JSON.stringify(facts),
      };
      const event = chainEvent({
        header,
        payload: JSON.stringify(payload),
        salt: new Uint8Array(16).fill(n % 256),
        previous,
      });
      previous = event.hash;
      entries.push({ epoch: tools.epoch, contents, nodes, event });
      return builder;
    },
    step(step = {}) {
      lastStepId = tools.uuid(tools.startMs);
      emitBegin(builder, tools, lastStepId, step);
      if (step.body !== undefined) emitAttempt(builder, tools, lastStepId, step.body);
      emitFinish(builder, tools, lastStepId, step);
      return builder;
    },
    end(endReason = 'ok', { output, durationMs = 100, error, swept = false } = {}) {
      const draft = createDraft(tools);
      const payload = {
        ...(output === undefined ? {} : { output: draft.keep('output', output) }),
        ...(error === undefined ? {} : { error }),
      };
      return builder.emit('run-end', { facts: { endReason, durationMs, swept }, payload, contents: draft.contents });
    },
    writer: (other) => createRunBuilder(tools, other),
    take() {
      const rest = entries.slice(taken);
      taken = entries.length;
      return rest;
    },
  };
  return builder;
}
