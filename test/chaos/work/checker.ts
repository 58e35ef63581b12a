import { existsSync, readFileSync } from 'node:fs';
import type { RunView } from '../../../src/core/model/run.ts';
import { isTerminal } from '../../../src/core/model/run.ts';
import type { StepView } from '../../../src/core/model/step.ts';
import type { RecordedEvent } from '../../../src/core/record/event.ts';
import type { WorkRow } from '../../../src/core/work/work.ts';
import type { OpenSite, Site } from './site.ts';
import { openSite } from './site.ts';

/*
 * Looks at a place when all is over. It believes the ledger, where the tools wrote what they did, and the answers of those
 * who created runs; the store has to agree with them.
 */

/** What the ledger of a place says. */
export interface Ledger {
  /** Handlers that were begun, by run. */
  begins(runId: string): number;
  /** Times the world was changed by a tool for a run. */
  effects(tool: string, runId: string): number;
  /** Times a tool was called for a run. */
  calls(tool: string, runId: string): number;
}

/** Reads the ledger. */
export function readLedger({ ledger }: Pick<Site, 'ledger'>): Ledger {
  const lines = existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n') : [];
  const countOf = (start: string): number => lines.filter((line) => `${line} `.startsWith(`${start} `)).length;
  return {
    begins: (runId) => countOf(`begin ${runId}`),
    effects: (tool, runId) => countOf(`effect ${tool} ${runId}`),
    calls: (tool, runId) => countOf(`call ${tool} ${runId}`),
  };
}

/** A run as the store has it when all is over. */
export interface FoundRun {
  readonly row: WorkRow;
  readonly view: RunView;
  readonly steps: readonly StepView[];
  readonly events: readonly RecordedEvent[];
}

/** A run with its record. */
export async function readRun({ opened, parts }: OpenSite, runId: string, projectId = 'default'): Promise<FoundRun> {
  const { store } = opened;
  await parts.work.file(projectId, runId);
  const row = await parts.work.get(projectId, runId);
  if (row === null) throw new Error(`the store has no run ${runId}`);
  return {
    row,
    view: await store.getRun(projectId, runId),
    steps: await store.listSteps(projectId, runId),
    events: await store.listEvents(projectId, runId),
  };
}

/** Changes of a run's state of one kind, that count. */
export const countEvents = ({ events }: FoundRun, type: string, cause?: string): number =>
  events.filter(({ header }) => header.type === type && (cause === undefined || causeOf(header.facts) === cause))
    .length;

const causeOf = (facts: string | null): unknown => (JSON.parse(facts ?? '{}') as { readonly cause?: unknown }).cause;

/** The first field in which two views differ. */
function toDifference<T extends object>(before: T, after: T): string | null {
  const toText = (value: unknown): string => JSON.stringify(value) ?? '';
  const field = (Object.keys(before) as (keyof T)[]).find((name) => toText(before[name]) !== toText(after[name]));
  return field === undefined ? null : `${toText(before[field])} became ${toText(after[field])}`;
}

async function findFaults(site: OpenSite, runId: string, projectId: string): Promise<string[]> {
  const found = await readRun(site, runId, projectId);
  const { row, view, steps } = found;
  const faults: string[] = [];
  const blame = (what: string): void => void faults.push(`run ${runId}: ${what}`);
  if (!isTerminal(row.state)) blame(`is ${row.state}`);
  if (view.status !== row.state || view.endReason !== row.endReason)
    blame(`is ${row.state} (${row.endReason}) as work and ${view.status} (${view.endReason}) in the record`);
  const ends = countEvents(found, 'run-end');
  if (ends !== 1) blame(`ended ${ends} times`);
  const begins = countEvents(found, 'run-start');
  if (begins !== row.leaseEpoch) blame(`had ${row.leaseEpoch} leases, of which the record tells of ${begins}`);
  if (row.workerId !== null || row.leaseExpiresAtMs !== null) blame('is over and under a lease');
  for (const step of steps) {
    if (step.status === 'in_progress') blame(`its step ${step.number} is open`);
    if ((step.durationMs ?? 0) < 0) blame(`its step ${step.number} took ${step.durationMs} ms`);
  }
  if ((view.durationMs ?? 0) < 0) blame(`took ${view.durationMs} ms`);
  const { intact } = await site.opened.verify(runId, projectId);
  if (intact.verdict !== 'intact') blame(`its record is ${intact.verdict}: ${JSON.stringify(intact)}`);
  const differences = await site.opened.store.rebuildRun(projectId, runId);
  if (differences.length > 0) {
    const rebuilt = await site.opened.store.getRun(projectId, runId);
    const rebuiltSteps = await site.opened.store.listSteps(projectId, runId);
    const changes = [toDifference(view, rebuilt), ...steps.map((step, at) => toDifference(step, rebuiltSteps[at]!))];
    blame(`rebuilt it differs in ${differences.join(', ')}: ${changes.filter((each) => each !== null).join('; ')}`);
  }
  return faults;
}

/** Everything that is wrong with these runs, each of which must have ended: once, whole, and with an intact record. */
export async function auditRuns(
  site: Site,
  runIds: readonly string[],
  projectOf: (runId: string) => string = () => 'default',
): Promise<readonly string[]> {
  const open = await openSite(site);
  try {
    // What the workers left in their journals is in the store already, or comes now; nothing may be there twice. What waits
    // to be filed is first: runs are sealed by what is in the record.
    for (const projectId of new Set(runIds.map(projectOf))) await open.parts.work.file(projectId);
    await open.opened.indexer.catchUp();
    const faults = open.opened.problems.map((problem) => JSON.stringify(problem));
    for (const runId of runIds) faults.push(...(await findFaults(open, runId, projectOf(runId))));
    return faults;
  } finally {
    await open.close();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when this is true; false when it is not within the time. */
export async function becomesTrue(check: () => Promise<boolean> | boolean, withinMs = 30_000): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() >= untilMs) return false;
    await pause(25);
  }
  return true;
}

/** Resolves when all of these runs have ended; false when they have not in time. */
export function haveEnded(
  { parts }: Pick<OpenSite, 'parts'>,
  runIds: readonly string[],
  options: { readonly withinMs?: number; readonly projectOf?: (runId: string) => string } = {},
): Promise<boolean> {
  const left = new Set(runIds);
  return becomesTrue(async () => {
    for (const runId of left) {
      const row = await parts.work.get(options.projectOf?.(runId) ?? 'default', runId);
      if (row !== null && isTerminal(row.state)) left.delete(runId);
      else return false;
    }
    return true;
  }, options.withinMs);
}
