import type { RunView } from '../../model/run.ts';
import type { StepView } from '../../model/step.ts';
import type { RunFilter, StoreReader } from '../../store.ts';
import type { ReportedRun, ShadowReport } from './report.ts';
import { reportToContents, toShadowReport } from './report.ts';

/** Which runs a report is about. */
export interface ReportRequest {
  readonly projectId: string;
  readonly agentId?: string;
  /** since ≤ started < until, Unix milliseconds. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Rehearsals without a model too, which are dry runs. */
  readonly includeDryRun?: boolean;
  /** How many runs are read at most, the newest; 1,000 unless said. */
  readonly runsMax?: number;
}

type Reader = Pick<StoreReader, 'listRuns' | 'listSteps' | 'readContents'>;

const runsMaxDefault = 1000;
const runsPerPage = 200;
const stepsPerPage = 500;

async function readRuns(
  store: Reader,
  projectId: string,
  of: { readonly filter: RunFilter; readonly runsMax: number },
): Promise<{ readonly runs: readonly RunView[]; readonly isCut: boolean }> {
  const runs: RunView[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(runsPerPage, of.runsMax - runs.length + 1);
    const page = await store.listRuns(projectId, of.filter, { limit, ...(cursor === null ? {} : { cursor }) });
    runs.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && runs.length <= of.runsMax);
  return { runs: runs.slice(0, of.runsMax), isCut: runs.length > of.runsMax };
}

async function readToolSteps(store: Reader, run: RunView): Promise<StepView[]> {
  const steps: StepView[] = [];
  if (run.counts.toolSteps === 0) return steps;
  for (let fromNumber = 1; fromNumber <= run.lastStepNumber; fromNumber += stepsPerPage) {
    const page = await store.listSteps(run.projectId, run.id, { fromNumber, limit: stepsPerPage });
    steps.push(...page.filter(({ kind }) => kind === 'tool'));
  }
  return steps;
}

async function readTexts(
  store: Reader,
  projectId: string,
  runs: readonly ReportedRun[],
): Promise<ReadonlyMap<string, string>> {
  const idsByRun = new Map<string, string[]>();
  for (const { runId, contentId } of reportToContents(runs))
    idsByRun.set(runId, [...(idsByRun.get(runId) ?? []), contentId]);
  const textById = new Map<string, string>();
  for (const [runId, ids] of idsByRun)
    for (const { id, bytes } of await store.readContents(projectId, runId, ids))
      textById.set(id, Buffer.from(bytes).toString('utf8'));
  return textById;
}

/** Reads what the runs in shadow would have done, and what those that acted did. Takes one list and one read per run. */
export async function readShadowReport(store: Reader, request: ReportRequest): Promise<ShadowReport> {
  const { projectId, agentId, sinceMs, untilMs, includeDryRun = false, runsMax = runsMaxDefault } = request;
  const filter: RunFilter = {
    includeDryRun,
    ...(agentId === undefined ? {} : { agentId }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
  const { runs, isCut } = await readRuns(store, projectId, { filter, runsMax });
  const reported: ReportedRun[] = [];
  for (const run of runs) reported.push({ run, toolSteps: await readToolSteps(store, run) });
  return toShadowReport({
    projectId,
    agentId: agentId ?? null,
    sinceMs: sinceMs ?? null,
    untilMs: untilMs ?? null,
    runs: reported,
    isCut,
    textById: await readTexts(store, projectId, reported),
  });
}
