import type { TachographError } from '../core/error.ts';
import type { StepView } from '../core/model/step.ts';
import type { Comparer, ModelRequest } from './comparison.ts';
import { compareRequests, requestToHint, sharedLength } from './comparison.ts';
import type { Divergence } from './divergence.ts';
import { divergenceToError } from './divergence.ts';
import { stepToRequest } from './model-request.ts';
import type { RecordedRun } from './recorded-run.ts';

/*
 * A call takes the first recorded step, by step order, that was asked the same and is not taken. Calls that were made side
 * by side may so come in another order; calls that repeat each other come in theirs.
 *
 *   call ── same as a step left ──► that step is taken
 *        └─ same as none ─────────► diverged: compared with the step that was to come; every later call gets the same error
 */

/** Which of a run's recorded model calls have been made again. */
export interface ModelLedger {
  /** The step that was asked the same. Throws `replay-diverged` when there is none, and ever after. */
  take(request: ModelRequest): Promise<StepView>;
  /** What went wrong first; `null` while nothing has. */
  readonly failure: TachographError | null;
  /** Keeps what went wrong elsewhere in the same replay. */
  fail(error: TachographError): TachographError;
  /** Recorded model steps that were not asked for. */
  left(): readonly StepView[];
}

interface Entry {
  readonly step: StepView;
  /** `null` for a step whose inputs were withheld: it answers whatever comes in its turn. */
  readonly request: ModelRequest | null;
  isTaken: boolean;
}

/** True for a call of a language model; calls of other kinds are not replayed. */
export const isLanguageStep = ({ kind, operation }: StepView): boolean =>
  kind === 'model' && (operation === null || operation === 'generate' || operation === 'stream');

/** The entry that a call was most likely meant for: the one that begins as it does, the first of several. */
function nearest(entries: readonly Entry[], request: ModelRequest): Entry | null {
  let best: { readonly entry: Entry; readonly shared: number } | null = null;
  for (const entry of entries) {
    const shared = entry.request === null ? 0 : sharedLength(entry.request, request);
    if (best === null || shared > best.shared) best = { entry, shared };
  }
  return best?.entry ?? null;
}

/** A ledger of these steps of a run, of which nothing is taken. */
export function createModelLedger(recorded: RecordedRun, steps: readonly StepView[], comparer: Comparer): ModelLedger {
  let failure: TachographError | null = null;
  let loading: Promise<Entry[]> | null = null;
  let entries: readonly Entry[] = [];
  const load = async (): Promise<Entry[]> =>
    Promise.all(
      steps.map(async (step) => ({
        step,
        request: step.inputsWithheld ? null : await stepToRequest(recorded, step, comparer),
        isTaken: false,
      })),
    );

  const diverge = (left: readonly Entry[], request: ModelRequest): Divergence => {
    const runId = recorded.run.id;
    const expected = nearest(left, request);
    if (expected === null)
      return {
        runId,
        stepNumber: null,
        summary: 'there is no recorded model call left',
        changes: requestToHint(request),
      };
    const { step } = expected;
    const difference = compareRequests(expected.request!, request)!;
    return { runId, stepNumber: step.number, ...difference };
  };

  const fail = (error: TachographError): TachographError => (failure ??= error);

  return {
    get failure() {
      return failure;
    },
    fail,
    async take(request) {
      loading ??= load();
      entries = await loading;
      if (failure !== null) throw failure;
      const left = entries.filter(({ isTaken }) => !isTaken);
      const found = left.find((entry) => entry.request === null || compareRequests(entry.request, request) === null);
      if (found === undefined) throw fail(divergenceToError(diverge(left, request)));
      (found as { isTaken: boolean }).isTaken = true;
      return found.step;
    },
    left() {
      if (loading === null) return steps;
      return entries.filter(({ isTaken }) => !isTaken).map(({ step }) => step);
    },
  };
}
