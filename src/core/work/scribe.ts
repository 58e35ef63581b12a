import type { Clock } from '../clock.ts';
import { createContentNamer } from '../content/content.ts';
import { epochOf } from '../content/context.ts';
import { createInterner } from '../content/interner.ts';
import type { IdSource } from '../id.ts';
import { uuidToMs } from '../id.ts';
import type { JournalEntry } from '../journal.ts';
import { defaultLimits } from '../limits.ts';
import { createMemoryJournal } from '../memory-journal.ts';
import type { RecordedError } from '../model/step.ts';
import { zeroHash } from '../record/chain.ts';
import type { BudgetEntryFacts } from '../record/facts.ts';
import { sweptStepEnd } from '../record/facts.ts';
import type { RunJoin } from '../record/recording.ts';
import type { Redactor } from '../redact/redactor.ts';
import type { Emission } from '../recorder/desk.ts';
import { createDesk } from '../recorder/desk.ts';
import { toCreatePayload } from '../recorder/run-recorder.ts';
import type { EventType } from '../record/event.ts';
import type { RunOrder } from './creation.ts';
import { leaseToWriterId } from './lease.ts';
import type { Transition, WorkFailure } from './transition.ts';
import type { WorkRow } from './work.ts';

/**
 * Makes the events that tell of a run's way through the workers, redacted and chained (I4), to be written in the transaction
 * of the change they tell of. Each is a chain of its own, but a claim's, which the lease's recorder goes on with.
 */
export interface Scribe {
  create(row: WorkRow, order: RunOrder): JournalEntry;
  /** The start of a lease, and where its recorder goes on. `row` is as it was before. */
  claim(
    row: WorkRow,
    start: Extract<Transition, { type: 'run-start' }>,
    by: { readonly workerId: string; readonly timeMs: number },
  ): {
    readonly entry: JournalEntry;
    readonly join: RunJoin;
  };
  /** A change that no lease stands behind: of a reaper, or of a person. `timeMs` is the store's. */
  change(row: WorkRow, change: Exclude<Transition, { type: 'run-start' }>, timeMs: number): JournalEntry;
  /** An entry of the ledger, in the record of the run that it is about; `stepId` only of a step of this very run. */
  budget(
    of: { readonly runId: string; readonly rootRunId: string; readonly stepId: string | null },
    facts: BudgetEntryFacts,
  ): JournalEntry;
  /** The end of a step that was open when its lease was lost: a guess, which the end that its holder gives replaces. */
  interrupt(row: Pick<WorkRow, 'runId' | 'rootRunId'>, stepId: string, resultStatus?: 'in_doubt'): JournalEntry;
}

/** A failure as the record keeps it. */
export function failureToError({ code, message }: WorkFailure): RecordedError {
  return { name: 'RunError', message, code, status: null, isRetryable: null, causes: [] };
}

/** A scribe with a project's redactor and content key. */
export function createScribe(parts: {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly redactor: Redactor;
  readonly contentKey: Uint8Array;
}): Scribe {
  const { clock, ids, redactor } = parts;
  const desk = createDesk({
    clock,
    ids,
    redactor,
    limits: defaultLimits,
    interner: createInterner({ namer: createContentNamer(parts.contentKey), redactor, knownMax: 1 }),
    writerId: leaseToWriterId(0, ids),
    journal: createMemoryJournal(),
    onError: () => undefined,
  });
  const draft = <T extends EventType>(
    of: Pick<WorkRow, 'runId' | 'rootRunId'>,
    leaseEpoch: number,
    emission: Emission<T>,
  ): JournalEntry => {
    const chain = desk.joinChain({
      runId: of.runId,
      epoch: epochOf(uuidToMs(of.rootRunId)),
      writerId: leaseToWriterId(leaseEpoch, ids),
      n: 0,
      head: zeroHash,
    });
    return desk.draft(chain, emission);
  };

  return {
    create(row, order) {
      const { priority, attemptsMax, timeoutAtMs, inputDigest } = row;
      return draft(row, 0, {
        type: 'run-create',
        timeMs: row.createdAtMs,
        facts: {
          parentRunId: row.parentRunId,
          parentStepId: order.parentStepId,
          rootRunId: row.rootRunId,
          source: 'live',
          dryRun: row.dryRun,
          shadow: row.shadow,
          started: false,
          observedAfter: false,
          durability: 'process',
          work: { priority, attemptsMax, timeoutAtMs, inputDigest, availableAtMs: row.queueAtMs ?? row.createdAtMs },
        },
        payload: (content) => {
          const { input, triggerType, triggerRef, callerId, sessionId, channelId, endUserId, name, labels } = order;
          const given = Object.entries({ callerId, sessionId, channelId, endUserId, name, labels });
          const start = {
            agentId: row.agentId,
            kind: row.kind,
            capture: 'work',
            inputs: input,
            ...Object.fromEntries(given.filter(([, value]) => value !== null)),
          };
          const payload = toCreatePayload(
            { desk, environment: null },
            start,
            { given: null, made: row.traceId },
            content,
          );
          return { ...payload, triggerType, ...(triggerRef === null ? {} : { triggerRef }) };
        },
        spare: { agentId: row.agentId, kind: row.kind },
      });
    },
    claim(row, start, { workerId, timeMs }) {
      const { leaseEpoch } = start.facts;
      const { handlerVersion } = start.next;
      const entry = draft(row, leaseEpoch, {
        type: 'run-start',
        timeMs,
        facts: start.facts,
        payload: () => ({ workerId, ...(handlerVersion === null ? {} : { handlerVersion }) }),
      });
      const { runId, rootRunId, agentId, traceId, shadow } = row;
      const { writerId, n } = entry.event.header;
      return { entry, join: { runId, rootRunId, agentId, traceId, shadow, writerId, n, head: entry.event.hash } };
    },
    change(row, change, timeMs) {
      const failure = change.failure === null ? {} : { error: failureToError(change.failure) };
      const { waitingFor } = change.next;
      const payload = { ...failure, ...(waitingFor === null ? {} : { waitingFor }) };
      return change.type === 'run-end'
        ? draft(row, 0, { type: 'run-end', timeMs, facts: change.facts, payload: () => failure })
        : draft(row, 0, { type: 'run-state', timeMs, facts: change.facts, payload: () => payload });
    },
    budget: (of, facts) =>
      draft(of, 0, {
        type: 'budget-entry',
        ...(of.stepId === null ? {} : { stepId: of.stepId }),
        facts,
        payload: () => ({}),
      }),
    interrupt: (row, stepId, resultStatus) =>
      draft(row, 0, {
        type: 'step-end',
        stepId,
        facts: sweptStepEnd(resultStatus),
        payload: () => ({}),
      }),
  };
}
