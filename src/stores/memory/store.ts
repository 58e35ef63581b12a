import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { Store, StoreReader, StoreWriter } from '../../core/store.ts';
import { listAnnotations, putAnnotation } from './annotations.ts';
import { readContents, readContext, readContextNodes } from './contents.ts';
import { createMemoryDirectory } from './directory.ts';
import { countErasure, eraseRecord, listErasures } from './erasure.ts';
import { listEvents, listEventsOfRuns, listWriters } from './events.ts';
import { importEntries, keepBrought, rebuildViews } from './imports.ts';
import { purgeRuns } from './purge.ts';
import {
  countRuns,
  findRunIds,
  lastRunPerAgent,
  listAgents,
  listChildren,
  listFinishedBefore,
  listOpenRuns,
  listRuns,
  parentChain,
} from './runs.ts';
import { forgetSealDue, keepSeals, listSealDue, listSeals, readSealing } from './seals.ts';
import { searchWords } from './search.ts';
import { createState, findRun, peekProject, projectOf, type State } from './state.ts';
import { getStep, listAttempts, listSteps } from './steps.ts';
import { readTotals } from './totals.ts';
import { dropGone, eraseWork, isOpenWork } from './work/going.ts';
import type { WorkMemory } from './work/state.ts';
import { peekWorkProject } from './work/state.ts';
import { createMemoryWork } from './work/store.ts';

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** What calls cost whose record does not tell. Left out, they have no cost; costs that the record tells stay. */
  readonly prices?: Prices;
  /** What leases, deadlines and schedules are measured by; the system's when left out. */
  readonly clock?: Clock;
}

/** A store in this process's memory, for tests and try-outs: every rule of the others, nothing kept after the end. */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const state = createState(options.prices ?? null);
  const memory: WorkMemory = new Map();
  let isOpen = false;

  // One call is one synchronous stretch, so calls never interleave and each is atomic.
  const use = async <T>(fn: (state: State) => T): Promise<T> => {
    if (!isOpen)
      throw new TachographError(
        'store-closed',
        'The store is not open: call initialize() first, and nothing after close().',
      );
    return fn(state);
  };
  const change = <T>(fn: (state: State) => T): Promise<T> =>
    use(() => {
      const result = fn(state);
      state.changes += 1;
      return result;
    });

  const writer: StoreWriter = {
    initialize: async () => void (isOpen = true),
    importBatch: (batch) => use(() => importEntries(state, batch)),
    journalPositions: () =>
      use(() =>
        [...state.bytesByJournal].map(([file, bytes]) => ({ file, bytes })).sort((a, b) => (a.file < b.file ? -1 : 1)),
      ),
    forgetJournal: (file) => use(() => void state.bytesByJournal.delete(file)),
    appendSeals: (projectId, seals) => change(() => keepSeals(projectOf(state, projectId), seals)),
    forgetSealDue: (projectId, runId, seen) =>
      use(() => {
        const run = peekProject(state, projectId).runById.get(runId);
        if (run !== undefined) forgetSealDue(run, seen ?? null);
      }),
    sync: () => use(() => undefined),
    purge: (options) =>
      change(() => {
        const work = peekWorkProject(memory, options.projectId);
        const project = peekProject(state, options.projectId);
        const isKept = (runId: string): boolean => isOpenWork(work, runId) || options.isKept?.(runId) === true;
        const gone = purgeRuns(project, { ...options, isKept });
        dropGone(work, (runId) => project.runById.has(runId));
        return gone;
      }),
    eraseRun: (projectId, runId, part) =>
      use(() => {
        const erasure = eraseRecord(state, projectId, runId, part ?? null);
        eraseWork(peekWorkProject(memory, projectId), runId);
        return erasure;
      }),
    countErasure: (projectId) =>
      change((at) => {
        if (at.projectById.has(projectId)) countErasure(projectOf(at, projectId), null);
      }),
    rebuildRun: (projectId, runId) => use(() => rebuildViews(state, projectId, findRun(state, projectId, runId))),
    putAnnotation: (projectId, annotation) =>
      change(() => {
        findRun(state, projectId, annotation.runId);
        putAnnotation(projectOf(state, projectId), annotation);
      }),
    deleteAnnotation: (projectId, id) => change(() => peekProject(state, projectId).annotationById.delete(id)),
    close: async () => void (isOpen = false),
  };

  const reader: StoreReader = {
    getRun: (projectId, runId) => use(() => findRun(state, projectId, runId).view),
    findRunIds: (projectId, prefix, limit) => use(() => findRunIds(peekProject(state, projectId), prefix, limit)),
    listRuns: (projectId, filter, page) => use(() => listRuns(peekProject(state, projectId), filter, page)),
    countRuns: (projectId, filter) => use(() => countRuns(peekProject(state, projectId), filter)),
    listEvents: (projectId, runId, { fromSeq = 1, limit = Infinity } = {}) =>
      use(() => listEvents(findRun(state, projectId, runId), { fromSeq, limit })),
    listSteps: (projectId, runId, { fromNumber = 1, limit = Infinity } = {}) =>
      use(() => listSteps(findRun(state, projectId, runId), { fromNumber, limit })),
    getStep: (projectId, runId, number) => use(() => getStep(findRun(state, projectId, runId), number)),
    listAttempts: (projectId, runId, stepId) =>
      use(() => listAttempts(findRun(state, projectId, runId), stepId ?? null)),
    readContext: (projectId, runId, nodeId, { from = 0 } = {}) =>
      use(() => readContext(peekProject(state, projectId), findRun(state, projectId, runId), nodeId, from)),
    readContextNodes: (projectId, runId, nodeId) =>
      use(() => readContextNodes(peekProject(state, projectId), findRun(state, projectId, runId), nodeId)),
    readContents: (projectId, runId, ids) =>
      use(() => readContents(peekProject(state, projectId), findRun(state, projectId, runId), ids)),
    listChildren: (projectId, parentRunId) => use(() => listChildren(peekProject(state, projectId), parentRunId)),
    parentChain: (projectId, runId) =>
      use(() => parentChain(peekProject(state, projectId), findRun(state, projectId, runId))),
    listFinishedBefore: (projectId, beforeMs, limit) =>
      use(() => listFinishedBefore(peekProject(state, projectId), beforeMs, limit)),
    lastRunPerAgent: (projectId, agentIds, { includeFailed = true } = {}) =>
      use(() => lastRunPerAgent(peekProject(state, projectId), agentIds, includeFailed)),
    listAgents: (projectId) => use(() => listAgents(peekProject(state, projectId))),
    search: (projectId, text, { limit = 50, order = 'rank', runId } = {}) =>
      use(() => searchWords(peekProject(state, projectId), text, { limit, order, runId: runId ?? null })),
    totals: (projectId, options) => use(() => readTotals(peekProject(state, projectId), options)),
    listAnnotations: (projectId, runId) => use(() => listAnnotations(peekProject(state, projectId), runId)),
    listSeals: (projectId, runId) => use(() => listSeals(peekProject(state, projectId), runId ?? null)),
    sealLedger: (projectId) =>
      use(() => {
        const { seals } = peekProject(state, projectId);
        return { count: seals.length, newest: seals.at(-1) ?? null };
      }),
    listSealDue: (limit) => use(() => listSealDue(state, limit)),
    lastSeal: (projectId) => use(() => peekProject(state, projectId).seals.at(-1) ?? null),
    readSealing: (projectId, runIds) => use(() => readSealing(peekProject(state, projectId), runIds)),
    listEventsOfRuns: (projectId, places) => use(() => listEventsOfRuns(peekProject(state, projectId), places)),
    listWriters: (projectId, runId) => use(() => listWriters(findRun(state, projectId, runId))),
    listOpenRuns: (projectId) => use(() => listOpenRuns(peekProject(state, projectId))),
    listProjects: () => use(() => [...state.projectById.keys()].sort()),
    erasureCount: (projectId) => use(() => peekProject(state, projectId).erasures.count),
    listErasures: (projectId, after) => use(() => listErasures(peekProject(state, projectId), after)),
    changeCount: () => use(() => state.changes),
  };

  const work = createMemoryWork({
    clock: options.clock ?? systemClock,
    memory,
    use,
    importEntries: (projectId, entries) => void importEntries(state, { projectId, entries, position: null }),
    keepBrought: (projectId, brought) => keepBrought(state, projectId, brought),
  });
  return { kind: 'memory', work, directory: createMemoryDirectory(), ...writer, ...reader };
}
