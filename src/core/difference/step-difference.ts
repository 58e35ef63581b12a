import type { Content } from '../content/content.ts';
import { toMessage } from '../content/message.ts';
import { contentToPreview, parseContent } from '../content/text.ts';
import { TachographError } from '../error.ts';
import type { StepView } from '../model/step.ts';
import { maskPlaceholders, renameCalls } from './comparable.ts';
import type { JsonChange } from './json-changes.ts';
import { jsonChanges } from './json-changes.ts';
import { alignSequences } from './sequence.ts';
import type { ComparedField, ComparedRun, RunReading } from './step-keys.ts';
import { contentToText, readRun } from './step-keys.ts';

/** A message of one side. */
export interface ComparedMessage {
  /** Its place in the context, from 0. */
  readonly index: number;
  readonly role: string;
  /** Its words, cut at 20,000 characters. */
  readonly text: string;
}

/** Two messages that stand for each other, or one that has no counterpart. */
export interface MessageRow {
  readonly a: ComparedMessage | null;
  readonly b: ComparedMessage | null;
  /** Where they differ; empty when they are the same, and when one is missing. */
  readonly changes: readonly JsonChange[];
}

/** What two model steps saw. The messages that both begin with are only counted. */
export interface MessageComparison {
  readonly shared: number;
  readonly lengthA: number;
  readonly lengthB: number;
  readonly rows: readonly MessageRow[];
}

/** Two steps compared word for word. */
export interface StepDifference {
  readonly messages: MessageComparison | null;
  /** Everything but messages: the part, and where in it. */
  readonly changes: readonly (JsonChange & { readonly field: ComparedField })[];
}

const charsMax = 20_000;
const rowsMax = 500;

/** Reads comparable values of one side. */
interface Side {
  readonly reading: RunReading;
  readonly step: StepView;
}

function toComparable(text: string, { reading }: Side): string {
  return renameCalls(maskPlaceholders(text), reading.nameByCallId);
}

function toValue(text: string | null): unknown {
  if (text === null) return undefined;
  return parseContent(Buffer.from(text));
}

async function readText(side: Side, id: string | null): Promise<string | null> {
  if (id === null) return null;
  const { store, projectId } = side.reading.of;
  const [content] = await store.readContents(projectId, side.step.runId, [id]);
  return content === undefined ? null : toComparable(contentToText(content), side);
}

async function readPath(side: Side, nodeId: string | null, from: number): Promise<readonly Content[]> {
  if (nodeId === null) return [];
  const { store, projectId } = side.reading.of;
  return store.readContext(projectId, side.step.runId, nodeId, { from });
}

/** Messages that both contexts begin with, found by node ids alone where they are of one project. */
async function countShared(a: Side, b: Side): Promise<number> {
  const nodes = async ({ reading: { of }, step }: Side) =>
    step.contextNodeId === null ? [] : of.store.readContextNodes(of.projectId, step.runId, step.contextNodeId);
  const [nodesA, nodesB] = [await nodes(a), await nodes(b)];
  let shared = 0;
  while (shared < nodesA.length && shared < nodesB.length && nodesA[shared]!.id === nodesB[shared]!.id) shared += 1;
  return shared;
}

interface Read {
  readonly content: Content;
  readonly comparable: string;
  readonly index: number;
}

function toCompared({ content, index }: Read): ComparedMessage {
  const role = toMessage(parseContent(content.bytes)).role;
  return { index, role, text: contentToPreview('message', content.bytes).slice(0, charsMax) };
}

/** Within a stretch where both sides have messages of their own, those of one role are compared in order. */
function pairStretch(onlyA: Read[], onlyB: Read[]): MessageRow[] {
  const role = (read: Read): string => toCompared(read).role;
  return alignSequences(onlyA.map(role), onlyB.map(role)).map(({ a, b }) => {
    const readA = a === null ? null : onlyA[a]!;
    const readB = b === null ? null : onlyB[b]!;
    return {
      a: readA === null ? null : toCompared(readA),
      b: readB === null ? null : toCompared(readB),
      changes:
        readA === null || readB === null ? [] : jsonChanges(toValue(readA.comparable), toValue(readB.comparable)),
    };
  });
}

function toRows(readsA: readonly Read[], readsB: readonly Read[]): MessageRow[] {
  const rows: MessageRow[] = [];
  let onlyA: Read[] = [];
  let onlyB: Read[] = [];
  const settle = (): void => {
    rows.push(...pairStretch(onlyA, onlyB));
    onlyA = [];
    onlyB = [];
  };
  const aligned = alignSequences(
    readsA.map(({ comparable }) => comparable),
    readsB.map(({ comparable }) => comparable),
  );
  for (const { a, b } of aligned) {
    if (a !== null && b !== null) {
      settle();
      rows.push({ a: toCompared(readsA[a]!), b: toCompared(readsB[b]!), changes: [] });
    } else if (a !== null) onlyA.push(readsA[a]!);
    else if (b !== null) onlyB.push(readsB[b]!);
  }
  settle();
  return rows.slice(0, rowsMax);
}

async function compareMessages(a: Side, b: Side): Promise<MessageComparison | null> {
  if (a.step.contextNodeId === null && b.step.contextNodeId === null) return null;
  const byId = await countShared(a, b);
  const read = async (side: Side): Promise<Read[]> =>
    (await readPath(side, side.step.contextNodeId, byId)).map((content, at) => ({
      content,
      comparable: toComparable(contentToText(content), side),
      index: byId + at,
    }));
  const [readsA, readsB] = [await read(a), await read(b)];
  let same = 0;
  while (same < readsA.length && same < readsB.length && readsA[same]!.comparable === readsB[same]!.comparable)
    same += 1;
  return {
    shared: byId + same,
    lengthA: byId + readsA.length,
    lengthB: byId + readsB.length,
    rows: toRows(readsA.slice(same), readsB.slice(same)),
  };
}

async function compareFields(a: Side, b: Side): Promise<StepDifference['changes']> {
  const changes: (JsonChange & { field: ComparedField })[] = [];
  const add = (field: ComparedField, before: unknown, after: unknown): void => {
    for (const change of jsonChanges(before, after)) changes.push({ field, ...change });
  };
  const content = async (field: ComparedField, idA: string | null, idB: string | null): Promise<void> => {
    if (idA !== idB) add(field, toValue(await readText(a, idA)), toValue(await readText(b, idB)));
  };
  const json = (side: Side, value: unknown): unknown =>
    value === null ? undefined : toValue(toComparable(JSON.stringify(value), side));
  const { step: one } = a;
  const { step: two } = b;
  for (const field of ['kind', 'name', 'operation'] as const)
    add(field, one[field] ?? undefined, two[field] ?? undefined);
  add('model', one.requestedModel ?? one.model ?? undefined, two.requestedModel ?? two.model ?? undefined);
  if (one.toolsNodeId !== two.toolsNodeId) {
    const tools = async (side: Side): Promise<unknown[]> =>
      (await readPath(side, side.step.toolsNodeId, 0)).map((tool) => toValue(toComparable(contentToText(tool), side)));
    add('tools', await tools(a), await tools(b));
  }
  add('options', json(a, one.options), json(b, two.options));
  await content('request', one.requestId, two.requestId);
  await content('args', one.argsId, two.argsId);
  add('status', `${one.status} ${one.resultStatus ?? ''}`.trim(), `${two.status} ${two.resultStatus ?? ''}`.trim());
  await content('answer', one.responseId, two.responseId);
  await content('result', one.resultId, two.resultId);
  add('finishReason', one.finishReason?.unified, two.finishReason?.unified);
  const error = (side: Side): unknown =>
    json(side, side.step.error === null ? null : { name: side.step.error.name, message: side.step.error.message });
  add('error', error(a), error(b));
  return changes;
}

/** Compares one step of a run with one of another, word for word. `step-not-found` where there is none. */
export async function diffSteps(
  first: { readonly of: ComparedRun; readonly number: number },
  second: { readonly of: ComparedRun; readonly number: number },
): Promise<StepDifference> {
  const side = async ({ of, number }: typeof first): Promise<Side> => {
    const reading = await readRun(of);
    return { reading, step: findStep(reading, number) };
  };
  const a = await side(first);
  const b = await side(second);
  return { messages: await compareMessages(a, b), changes: await compareFields(a, b) };
}

function findStep({ steps, run }: RunReading, number: number): StepView {
  const step = steps.find((each) => each.number === number);
  if (step !== undefined) return step;
  throw new TachographError('step-not-found', `Run ${run.id} has no step ${number}.`);
}
