import type { RunFilter, Store } from '../../src/core/store.ts';
import { worldStartMs } from '../../src/testing/index.ts';
import { createWords, type History } from './history.ts';

/** Something that is asked of a store many times, each time a little differently. */
export interface Question {
  readonly name: string;
  readonly times: number;
  /** p95 in milliseconds, or `null` where no bar is set. */
  readonly barMs: number | null;
  ask(store: Store): Promise<unknown>;
}

const project = 'default';
const dayMs = 86_400_000;

/** Everything that is asked of a history. */
export function createQuestions(history: History): Question[] {
  const { pick } = createWords(2);
  const one = (list: readonly string[]): string => list[pick(list.length)]!;
  const agents = Array.from({ length: 500 }, (_, at) => `agent-${at}`);
  const filters: [string, () => RunFilter][] = [
    ['newest', () => ({})],
    ['top level', () => ({ topLevelOnly: true })],
    ['status and caller', () => ({ status: ['completed'], callerId: `caller-${pick(500)}` })],
    ['agent', () => ({ agentId: `agent-${pick(500)}` })],
    ['channel and reason', () => ({ channelId: `channel-${pick(20)}`, endReason: ['error'] })],
    ['session', () => ({ sessionId: `session-${pick(history.runs / 8)}` })],
    ['label and range', () => ({ labels: { team: `team-${pick(10)}` }, sinceMs: worldStartMs + pick(history.spanMs) })],
    ['model, with error', () => ({ model: `model-${pick(8)}`, hasError: true })],
  ];
  const dayOf = (): { sinceMs: number; untilMs: number } => {
    const sinceMs = worldStartMs + pick(history.spanMs / dayMs) * dayMs;
    return { sinceMs, untilMs: sinceMs + dayMs };
  };
  const ask = (
    name: string,
    barMs: number | null,
    times: number,
    call: (store: Store) => Promise<unknown>,
  ): Question => ({
    ...{ name, barMs, times },
    ask: call,
  });
  return [
    ...filters.flatMap(([name, filter]) => [
      ask(`list by ${name}`, 20, 100, (store) => store.listRuns(project, filter(), {})),
      ask(`count by ${name}`, 20, 100, (store) => store.countRuns(project, filter())),
    ]),
    ask('eight children', 20, 100, (store) => store.listChildren(project, one(history.parentIds))),
    ask('chain of 20 parents', 20, 100, (store) => store.parentChain(project, one(history.chainEndIds))),
    ask('last run of 500 agents', 20, 30, (store) => store.lastRunPerAgent(project, agents)),
    ask('search a phrase', 50, 100, (store) => store.search(project, one(history.phrases))),
    ask('list by phrase', 50, 100, (store) => store.listRuns(project, { text: one(history.phrases) }, {})),
    ask('totals by model, a day', null, 20, (store) => store.totals(project, { by: 'model', ...dayOf() })),
    ask('totals by model, all', null, 5, (store) => store.totals(project, { by: 'model' })),
    ask('events of a run', 20, 100, (store) => store.listEvents(project, one(history.someRunIds))),
    ask('big run, first 100 events', 20, 20, (store) => store.listEvents(project, history.bigRunId, { limit: 100 })),
    ask('big run, all events', 1000, 5, (store) => store.listEvents(project, history.bigRunId)),
  ];
}
