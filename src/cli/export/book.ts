import { TachographError } from '../../core/error.ts';
import type { BodyRef } from '../../core/model/attempt.ts';
import type { Store } from '../../core/store.ts';
import type { Handler } from '../../server/index.ts';
import type {
  OfflineBook,
  OfflineComparison,
  OfflineRun,
  RunDetail,
  RunDifference,
  RunSeals,
  RunView,
  StepDetail,
  StepDifference,
  StepView,
  WireContext,
  WireEvent,
  WireVerdict,
} from '../../server/wire.ts';
import { askJson } from './asking.ts';

/** Steps that one page holds at most, child runs included: past it a browser takes too long to open the file. */
export const pageStepsMax = 5000;
/** Runs that one page holds at most; child runs past it are named and not inside. */
export const pageRunsMax = 100;

const pageSteps = 500;
const lastEvents = 500;

/** Things that are kept once and named by number. */
interface Table<T> {
  readonly items: T[];
  readonly numberByKey: Map<string, number>;
}

const createTable = <T>(): Table<T> => ({ items: [], numberByKey: new Map() });

function numberOf<T>(table: Table<T>, key: string, make: () => T): number {
  let number = table.numberByKey.get(key);
  if (number === undefined) {
    number = table.items.push(make()) - 1;
    table.numberByKey.set(key, number);
  }
  return number;
}

interface Collector {
  readonly handler: Handler;
  readonly store: Store;
  readonly projectId: string;
  readonly messages: Table<OfflineBook['messages'][number]>;
  readonly tools: Table<OfflineBook['tools'][number]>;
  readonly texts: Table<string>;
  steps: number;
}

async function readBody(collector: Collector, runId: string, body: BodyRef | null): Promise<readonly number[] | null> {
  if (body === null || (body.nodeId === null && body.contentId === null)) return null;
  const { store, projectId, texts } = collector;
  const ids =
    body.nodeId === null
      ? [body.contentId!]
      : (await store.readContextNodes(projectId, runId, body.nodeId)).map((node) => node.contentId);
  const fresh = ids.filter((id) => !texts.numberByKey.has(id));
  const contents = fresh.length === 0 ? [] : await store.readContents(projectId, runId, fresh);
  for (const { id, bytes } of contents)
    numberOf(texts, id, () => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  const numbers = ids.map((id) => texts.numberByKey.get(id));
  return numbers.includes(undefined) ? null : (numbers as number[]);
}

async function readContext(
  collector: Collector,
  runId: string,
  step: StepView,
): Promise<OfflineRun['contexts'][number]> {
  const { handler, store, projectId, messages, tools } = collector;
  const at = `/runs/${runId}/steps/${step.number}/context`;
  const nodes = await store.readContextNodes(projectId, runId, step.contextNodeId!);
  // Messages that an earlier step had are in the table already: only what follows the last such one is asked for, and once
  // more from the beginning of what is new where the step continues an earlier one than thought.
  const firstUnknown = nodes.findIndex(({ contentId }) => !messages.numberByKey.has(contentId));
  let from = firstUnknown === -1 ? nodes.length : firstUnknown;
  let context = await askJson<WireContext>(handler, `${at}?from=${from}`);
  if (context.newFrom < from) {
    from = context.newFrom;
    context = await askJson<WireContext>(handler, `${at}?from=${from}`);
  }
  const markByIndex = new Map(step.contextMarks.map(({ index, value }) => [index, value]));
  const known = nodes
    .slice(0, from)
    .map(
      ({ contentId }, index) =>
        [index, messages.numberByKey.get(contentId)!, false, markByIndex.get(index) ?? null] as const,
    );
  const read = context.messages.map(({ index, contentId, role, parts, raw, isNew, mark }) => {
    const number = numberOf(messages, contentId, () => ({ contentId, role, parts, raw }));
    return [index, number, isNew, mark] as const;
  });
  return {
    messages: [...known, ...read],
    tools: context.tools.map((tool) => numberOf(tools, tool.contentId, () => tool)),
    newFrom: context.newFrom,
    length: context.length,
    missing: context.missing,
  };
}

async function listSteps(collector: Collector, runId: string): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let from = 1; ;) {
    const page = await askJson<StepView[]>(collector.handler, `/runs/${runId}/steps?from=${from}&limit=${pageSteps}`);
    steps.push(...page);
    if (collector.steps + steps.length > pageStepsMax) {
      throw new TachographError(
        'bad-argument',
        `Run ${runId} has too many steps for a page, which holds ${pageStepsMax}. Export the run file instead: tachograph export ${runId}`,
      );
    }
    if (page.length < pageSteps) break;
    from = page.at(-1)!.number + 1;
  }
  collector.steps += steps.length;
  return steps;
}

async function readRun(collector: Collector, runId: string): Promise<OfflineRun> {
  const { handler } = collector;
  const detail = await askJson<RunDetail>(handler, `/runs/${runId}`);
  const steps = await listSteps(collector, runId);
  const stepDetails: Record<number, StepDetail> = {};
  const contexts: Record<number, OfflineRun['contexts'][number]> = {};
  const bodies: Record<number, Record<number, OfflineRun['bodies'][number][number]>> = {};
  for (const step of steps) {
    const stepDetail = await askJson<StepDetail>(handler, `/runs/${runId}/steps/${step.number}`);
    stepDetails[step.number] = stepDetail;
    if (step.contextNodeId !== null) contexts[step.number] = await readContext(collector, runId, step);
    bodies[step.number] = {};
    for (const attempt of stepDetail.attempts) {
      bodies[step.number]![attempt.number] = {
        request: await readBody(collector, runId, attempt.requestBody),
        response: await readBody(collector, runId, attempt.responseBody),
      };
    }
  }
  const from = Math.max(1, detail.run.lastSeq - lastEvents + 1);
  return {
    detail,
    verdict: await askJson<WireVerdict>(handler, `/runs/${runId}/verify`),
    seals: await askJson<RunSeals>(handler, `/runs/${runId}/seals`),
    children: await askJson<RunView[]>(handler, `/runs/${runId}/children`),
    steps,
    events: await askJson<WireEvent[]>(handler, `/runs/${runId}/events?from=${from}&limit=${lastEvents}`),
    stepDetails,
    contexts,
    bodies,
  };
}

/** What the viewer would ask to compare two runs: all rows, and each pair of steps word for word. */
async function compareRuns(handler: Handler, runId: string, otherId: string): Promise<OfflineComparison> {
  const at = `/runs/${runId}/diff/${otherId}`;
  const difference = await askJson<RunDifference>(handler, at);
  const steps: Record<string, StepDifference> = {};
  for (const { a, b } of difference.rows) {
    if (a === null || b === null) continue;
    const pair = `${at}/steps?a=${a.number}&b=${b.number}`;
    steps[`${a.number}/${b.number}`] = await askJson<StepDifference>(handler, pair);
  }
  return { otherId, difference, steps };
}

/**
 * Collects what a page needs: the run and its child runs, asked of the same routes that the viewer asks. With `otherId`
 * that run too, and the comparison of the two.
 */
export async function collectBook(
  parts: { readonly handler: Handler; readonly store: Store; readonly projectId: string },
  runId: string,
  otherId: string | null = null,
): Promise<OfflineBook> {
  const collector: Collector = {
    ...parts,
    messages: createTable(),
    tools: createTable(),
    texts: createTable(),
    steps: 0,
  };
  const runs: Record<string, OfflineRun> = {};
  // The other run before any child runs: of those some may not find room.
  const waiting = otherId === null ? [runId] : [runId, otherId];
  while (waiting.length > 0 && Object.keys(runs).length < pageRunsMax) {
    const next = waiting.shift()!;
    if (runs[next] !== undefined) continue;
    const run = await readRun(collector, next);
    runs[next] = run;
    waiting.push(...run.children.map(({ id }) => id));
  }
  const { messages, tools, texts } = collector;
  const book = { version: 1 as const, runId, runs, messages: messages.items, tools: tools.items, texts: texts.items };
  return otherId === null ? book : { ...book, comparison: await compareRuns(parts.handler, runId, otherId) };
}
