import type { Content } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import { rootNodeId } from '../content/context.ts';
import { sha256Hex } from '../digest.ts';
import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { StoreReader } from '../store.ts';
import { maskPlaceholders, nameCalls, renameCalls, textToKey } from './comparable.ts';

/** Where a run that is compared is read from. */
export interface ComparedRun {
  readonly store: Pick<StoreReader, 'getRun' | 'listSteps' | 'readContents' | 'readContext' | 'readContextNodes'>;
  readonly projectId: string;
  readonly runId: string;
}

/** A run read for a comparison. */
export interface RunReading {
  readonly of: ComparedRun;
  readonly run: RunView;
  readonly steps: readonly StepView[];
  readonly nameByCallId: ReadonlyMap<string, string>;
}

/** Parts of a step that are compared. */
export const comparedFields = [
  'kind',
  'name',
  'operation',
  'model',
  'messages',
  'tools',
  'options',
  'request',
  'args',
  'status',
  'answer',
  'result',
  'finishReason',
  'error',
] as const;

/** One of the compared parts. */
export type ComparedField = (typeof comparedFields)[number];

/** What a step is known by, part by part; two steps are the same in a part when the keys are equal. */
export type StepKeys = Readonly<Record<ComparedField, string | null>>;

const pageSteps = 1000;
const batchContents = 500;

/** Reads a run and its steps. `run-not-found` when there is none. */
export async function readRun(of: ComparedRun): Promise<RunReading> {
  const run = await of.store.getRun(of.projectId, of.runId);
  const steps: StepView[] = [];
  for (let fromNumber = 1; ;) {
    const page = await of.store.listSteps(of.projectId, run.id, { fromNumber, limit: pageSteps });
    steps.push(...page);
    if (page.length < pageSteps) return { of, run, steps, nameByCallId: nameCalls(steps) };
    fromNumber = page.at(-1)!.number + 1;
  }
}

/** The exact text of a content. */
export function contentToText({ bytes }: Pick<Content, 'bytes'>): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

const contentIdsOf = (step: StepView): string[] =>
  [step.argsId, step.requestId, step.responseId, step.resultId].filter((id) => id !== null);

const nodeIdsOf = (step: StepView): string[] => [step.contextNodeId, step.toolsNodeId].filter((id) => id !== null);

/** Ids that both runs name need no reading: they are the same content, or the same context. */
export interface SharedIds {
  readonly contents: ReadonlySet<string>;
  readonly nodes: ReadonlySet<string>;
}

/** Contents and contexts that steps of both runs name. */
export function sharedIds(a: RunReading, b: RunReading): SharedIds {
  const inBoth = (idsOf: (step: StepView) => readonly string[]): ReadonlySet<string> => {
    const ofA = new Set(a.steps.flatMap(idsOf));
    return new Set(b.steps.flatMap(idsOf).filter((id) => ofA.has(id)));
  };
  return { contents: inBoth(contentIdsOf), nodes: inBoth(nodeIdsOf) };
}

interface Keys {
  readonly shared: SharedIds;
  readonly keyByContent: Map<string, string>;
  readonly keyByNode: Map<string, string>;
}

async function keyContents(reading: RunReading, ids: readonly string[], keys: Keys): Promise<void> {
  const { of, run, nameByCallId } = reading;
  const wanted = [...new Set(ids)].filter((id) => !keys.keyByContent.has(id) && !keys.shared.contents.has(id));
  for (let at = 0; at < wanted.length; at += batchContents) {
    const batch = wanted.slice(at, at + batchContents);
    for (const content of await of.store.readContents(of.projectId, run.id, batch))
      keys.keyByContent.set(content.id, textToKey(contentToText(content), nameByCallId));
    // What was erased is known by its name alone.
    for (const id of batch) if (!keys.keyByContent.has(id)) keys.keyByContent.set(id, id);
  }
}

/** Keys of contexts: a chain over the keys of their contents. The longest come first, so that each is read but once. */
async function keyNodes(reading: RunReading, keys: Keys): Promise<void> {
  const { of, run, steps } = reading;
  const tips = [...new Set(steps.flatMap(nodeIdsOf))].filter((id) => !keys.shared.nodes.has(id)).reverse();
  for (const tip of tips) {
    if (keys.keyByNode.has(tip)) continue;
    const nodes: readonly ContextNode[] = await of.store.readContextNodes(of.projectId, run.id, tip);
    await keyContents(
      reading,
      nodes.map(({ contentId }) => contentId),
      keys,
    );
    for (const { id, parentId, contentId } of nodes) {
      // A context that both runs name is known by its id on both sides, wherever a longer one passes it.
      if (keys.shared.nodes.has(id)) continue;
      const parent = parentId === rootNodeId ? rootNodeId : (keys.keyByNode.get(parentId) ?? parentId);
      keys.keyByNode.set(id, sha256Hex(`${parent}${keys.keyByContent.get(contentId) ?? contentId}`));
    }
  }
}

const orNull = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

function toKeys(step: StepView, reading: RunReading, keys: Keys): StepKeys {
  const content = (id: string | null): string | null => (id === null ? null : (keys.keyByContent.get(id) ?? id));
  const node = (id: string | null): string | null => (id === null ? null : (keys.keyByNode.get(id) ?? id));
  const text = (value: unknown): string | null => {
    const json = orNull(value);
    return json === null ? null : renameCalls(maskPlaceholders(json), reading.nameByCallId);
  };
  return {
    kind: step.kind,
    name: step.name,
    operation: step.operation,
    model: step.requestedModel ?? step.model,
    messages: step.inputsWithheld ? 'withheld' : node(step.contextNodeId),
    tools: node(step.toolsNodeId),
    options: text(step.options),
    request: content(step.requestId),
    args: content(step.argsId),
    status: `${step.status} ${step.resultStatus ?? ''}`,
    answer: step.outputsWithheld ? 'withheld' : content(step.responseId),
    result: content(step.resultId),
    finishReason: step.finishReason?.unified ?? null,
    error: text(step.error === null ? null : [step.error.name, step.error.message, step.error.status]),
  };
}

/**
 * Keys of a run's steps. What is `shared` is known by its id and not read; that equal ids mean equal contents is true of
 * runs of one project only.
 */
export async function readStepKeys(reading: RunReading, shared: SharedIds): Promise<StepKeys[]> {
  const keys: Keys = { shared, keyByContent: new Map(), keyByNode: new Map() };
  await keyContents(reading, reading.steps.flatMap(contentIdsOf), keys);
  await keyNodes(reading, keys);
  return reading.steps.map((step) => toKeys(step, reading, keys));
}
