import { AsyncLocalStorage } from 'node:async_hooks';
import type { AttemptFinish, AttemptRecorder, StepRecorder } from './recording.ts';

// A framework that tells of its model calls, but does not make them inside a function of ours, says here that the call's
// HTTP exchange is to come. The layer that sees the exchange asks here whose it is:
//
//   the step whose async flow it leaves from, unless that one has been answered
//   ► the oldest step that waits and asks with the same words, because the framework queued the call, and a queue starts
//     the next call in the flow of the one before
//
// A flow that made another step's exchange makes that step's retries too: it keeps whom it works for.

/** A model call whose exchange is to come. */
export interface ExpectedExchange {
  readonly step: StepRecorder;
  /** True when a request of this text can be this step's. */
  matches(requestText: string): boolean;
  /** An exchange of the step begins, or has ended. */
  onBegin?(): void;
  onEnd?(finish: AttemptFinish): void;
}

/** An exchange that found the step which waits for it. */
export interface FoundExchange {
  readonly step: StepRecorder;
  /** The exchange begins with this attempt: gives back the attempt to be told its end. */
  begin(attempt: AttemptRecorder): AttemptRecorder;
}

/** The model calls of a process whose exchanges are to come. */
export interface ExpectedExchanges {
  /** Expects an exchange in what follows in this async flow; gives back what takes the expectation away. */
  expect(exchange: ExpectedExchange): () => void;
  /** True when this very step expects one. */
  has(step: StepRecorder): boolean;
  /** Whose a request of this text is that leaves now; `null` when nobody waits for it. */
  find(requestText: string | null): FoundExchange | null;
  /** True when this flow is one in which an exchange was expected. */
  isInFlow(): boolean;
}

interface Waiting {
  readonly exchange: ExpectedExchange;
  attempts: number;
  isFailed: boolean;
}

/** One async flow: whom it makes exchanges for. */
interface Flow {
  holder: Waiting;
}

const isUnderWay = ({ exchange }: Waiting): boolean => exchange.step.status === 'in_progress';

/** The attempt, which tells its end to the one who waits as well. */
function follow(attempt: AttemptRecorder, onEnd: (finish: AttemptFinish) => void): AttemptRecorder {
  return {
    get number() {
      return attempt.number;
    },
    get claimed() {
      return attempt.claimed;
    },
    get finished() {
      return attempt.finished;
    },
    claim: () => attempt.claim(),
    finish(finish) {
      attempt.finish(finish);
      onEnd(finish);
    },
  };
}

function createExpectedExchanges(): ExpectedExchanges {
  const flows = new AsyncLocalStorage<Flow>();
  const waiting = new Set<Waiting>();

  const find = (text: string | null): Waiting | null => {
    const flow = flows.getStore();
    const holder = flow?.holder ?? null;
    const isOpen = holder !== null && isUnderWay(holder);
    if (isOpen && (holder.attempts === 0 || holder.isFailed) && (text === null || holder.exchange.matches(text)))
      return holder;
    if (text !== null && waiting.size > 0)
      for (const one of waiting) {
        if (one.attempts > 0 || !isUnderWay(one) || !one.exchange.matches(text)) continue;
        if (flow !== undefined) flow.holder = one;
        return one;
      }
    return isOpen ? holder : null;
  };

  return {
    expect(exchange) {
      const one: Waiting = { exchange, attempts: 0, isFailed: false };
      waiting.add(one);
      flows.enterWith({ holder: one });
      return () => void waiting.delete(one);
    },
    has: (step) => [...waiting].some(({ exchange }) => exchange.step === step),
    find(text) {
      const one = find(text);
      if (one === null) return null;
      return {
        step: one.exchange.step,
        begin(attempt) {
          one.attempts += 1;
          one.isFailed = false;
          one.exchange.onBegin?.();
          return follow(attempt, (finish) => {
            one.isFailed = finish.status === 'failed';
            one.exchange.onEnd?.(finish);
          });
        },
      };
    },
    isInFlow: () => flows.getStore() !== undefined,
  };
}

const key = Symbol.for('tachograph.expected-exchanges');

/** The process's own, however often this file was loaded: what records a framework may come from another copy. */
export function expectedExchanges(): ExpectedExchanges {
  const globals = globalThis as unknown as Record<symbol, ExpectedExchanges | undefined>;
  return (globals[key] ??= createExpectedExchanges());
}
