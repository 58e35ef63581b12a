import type { Clock } from '../core/clock.ts';
import { createContentNamer } from '../core/content/content.ts';
import { epochOf } from '../core/content/context.ts';
import { createInterner } from '../core/content/interner.ts';
import type { IdSource } from '../core/id.ts';
import { uuidToMs } from '../core/id.ts';
import type { JournalEntry } from '../core/journal.ts';
import { defaultLimits } from '../core/limits.ts';
import type { RunView } from '../core/model/run.ts';
import type { EventType, FactsOf } from '../core/record/event.ts';
import { createDesk } from '../core/recorder/desk.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { ImportResult, Store } from '../core/store.ts';
import { createMemoryJournal } from '../core/memory-journal.ts';

/** An event the indexer itself adds to a run: the end a dead recorder could not write, or what was erased. */
export interface OwnEvent<T extends EventType> {
  readonly type: T;
  readonly stepId?: string;
  readonly facts: FactsOf<T>;
  /** Numbers only; nothing a person wrote. */
  readonly payload?: object;
}

/** The indexer's own part in runs: its events have its writer id and its own chains. */
export interface OwnEvents {
  isOurs(writerId: string): boolean;
  /** Adds an event; an end that waits already, since its import failed, is not added twice. */
  emit<T extends EventType>(run: Pick<RunView, 'id' | 'projectId' | 'rootRunId'>, event: OwnEvent<T>): void;
  /** Imports what was emitted into this project. What the store refuses waits for the next call: its numbers are given. */
  importInto(projectId: string): Promise<ImportResult | null>;
}

/** The own events of an indexer over a store. */
export function createOwnEvents(parts: {
  store: Store;
  clock: Clock;
  ids: IdSource;
  redactor: Redactor;
  onImported: (projectId: string, result: ImportResult) => void;
}): OwnEvents {
  const { store, clock, ids, redactor } = parts;
  const basket = createMemoryJournal();
  const writerId = ids.hex(8);
  const failures: unknown[] = [];
  const waitingByProject = new Map<string, JournalEntry[]>();
  // Own events carry no contents, so the key that would name them is never used.
  const interner = createInterner({ namer: createContentNamer(new Uint8Array(32)), redactor, knownMax: 1 });
  const desk = createDesk({
    clock,
    ids,
    limits: defaultLimits,
    redactor,
    interner,
    writerId,
    journal: basket,
    onError: (error) => void failures.push(error),
  });

  return {
    isOurs: (id) => id === writerId,
    emit(run, event) {
      const waiting = waitingByProject.get(run.projectId) ?? [];
      const isWaiting = waiting.some(
        ({ event: { header } }) =>
          header.runId === run.id && header.type === event.type && header.stepId === (event.stepId ?? null),
      );
      if (isWaiting && event.type !== 'content-erase') return;
      const chain = desk.openChain(run.id, epochOf(uuidToMs(run.rootRunId)));
      desk.emit(chain, {
        type: event.type,
        facts: event.facts,
        payload: () => event.payload ?? {},
        ...(event.stepId === undefined ? {} : { stepId: event.stepId }),
      });
      waitingByProject.set(run.projectId, [...waiting, ...basket.take()]);
      if (failures.length > 0) throw failures.shift();
    },
    async importInto(projectId) {
      const entries = waitingByProject.get(projectId) ?? [];
      if (entries.length === 0) return null;
      const result = await store.importBatch({ projectId, entries, position: null });
      waitingByProject.delete(projectId);
      parts.onImported(projectId, result);
      return result;
    },
  };
}
