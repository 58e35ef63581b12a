import type { RunView } from '../../model/run.ts';
import type { StepView } from '../../model/step.ts';
import type { StoreReader } from '../../store.ts';
import type { RecordedCall } from './recorded-results.ts';

type Reader = Pick<StoreReader, 'listRuns' | 'listSteps' | 'readContents'>;

/** Whose calls are to be answered with again. */
export interface RecordedCallsRequest {
  readonly projectId: string;
  readonly agentId: string;
  /** How many runs are looked through, the newest that acted; 50 unless said, 200 at most. */
  readonly runsMax?: number;
}

const runsMaxDefault = 50;
const runsMaxMax = 200;
const stepsPerRun = 1000;

/** A call that ran, and of which everything was kept. */
function isWhole(step: StepView): boolean {
  const isKept = step.argsId !== null && step.resultId !== null && !step.erased;
  return step.kind === 'tool' && step.resultStatus === 'success' && isKept;
}

async function readCalls(store: Reader, run: RunView): Promise<RecordedCall[]> {
  if (run.counts.toolSteps === 0) return [];
  const steps = (await store.listSteps(run.projectId, run.id, { limit: stepsPerRun })).filter(isWhole);
  const ids = [...new Set(steps.flatMap(({ argsId, resultId }) => [argsId!, resultId!]))];
  if (ids.length === 0) return [];
  const contents = await store.readContents(run.projectId, run.id, ids);
  const valueById = new Map<string, unknown>();
  for (const { id, bytes } of contents) {
    try {
      valueById.set(id, JSON.parse(Buffer.from(bytes).toString('utf8')));
    } catch {
      // What was recorded as other than JSON is no value to answer with.
    }
  }
  return steps
    .filter(({ argsId, resultId }) => valueById.has(argsId!) && valueById.has(resultId!))
    .map(({ name, argsId, resultId }) => ({
      name: name ?? '',
      args: valueById.get(argsId!),
      result: valueById.get(resultId!),
    }));
}

/**
 * The calls that an agent's newest runs made for real, oldest first, to answer calls in shadow with. Results are as
 * recorded: what was redacted stays redacted.
 */
export async function readRecordedCalls(
  store: Reader,
  { projectId, agentId, runsMax = runsMaxDefault }: RecordedCallsRequest,
): Promise<readonly RecordedCall[]> {
  const { items } = await store.listRuns(projectId, { agentId }, { limit: Math.min(runsMax, runsMaxMax) });
  const calls: RecordedCall[] = [];
  for (const run of items.toReversed()) if (!run.shadow) calls.push(...(await readCalls(store, run)));
  return calls;
}
