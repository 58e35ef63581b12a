import { isTachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { readWireContext } from '../reading/wire-context.ts';
import type { Surroundings } from '../surroundings.ts';
import { readRunDetail } from '../routes/runs.ts';
import { readStepDetail } from '../routes/steps.ts';

/** The version of the plain export. Fields may be added under one version; none changes its meaning. */
export const plainExportVersion = 1;

/** Runs of a session in one export at most. */
export const plainRunsMax = 100;

const pageSteps = 200;

/** A step with what it was asked and what it answered; messages that the context before it had are not told again. */
async function readStep(around: Surroundings, step: StepView): Promise<unknown> {
  const { args, request, responseParts, result, attempts } = await readStepDetail(around, step);
  const context = step.contextNodeId === null ? null : await readWireContext(around, step, 0);
  const value = (content: typeof args): unknown => (content === null ? null : (content.value ?? content.raw));
  return {
    step,
    context:
      context === null
        ? null
        : {
            length: context.length,
            newFrom: context.newFrom,
            messages: context.messages
              .filter(({ index }) => index >= context.newFrom)
              .map(({ index, role, parts, mark }) => ({ index, role, parts, mark })),
            tools: context.tools.map(({ name, description }) => ({ name, description })),
          },
    args: value(args),
    request: value(request),
    response: responseParts,
    result: value(result),
    attempts,
  };
}

async function* writeRun(around: Surroundings, runId: string): AsyncGenerator<string> {
  const detail = await readRunDetail(around, runId);
  const verdict = await around.verify(around.projectId, runId);
  yield `${JSON.stringify({ ...detail, verdict }).slice(0, -1)},"steps":[`;
  for (let fromNumber = 1, count = 0; ;) {
    const steps = await around.store.listSteps(around.projectId, runId, { fromNumber, limit: pageSteps });
    for (const step of steps) {
      yield `${count === 0 ? '' : ','}${JSON.stringify(await readStep(around, step))}`;
      count += 1;
    }
    if (steps.length < pageSteps) break;
    fromNumber = steps.at(-1)!.number + 1;
  }
  yield ']}';
}

/** The runs of a session, oldest first, and whether there are more than one export takes. */
async function listSession(around: Surroundings, run: RunView): Promise<{ runs: readonly RunView[]; isCut: boolean }> {
  if (run.sessionId === null) return { runs: [run], isCut: false };
  const page = await around.store.listRuns(
    around.projectId,
    { sessionId: run.sessionId, includeDryRun: true },
    { limit: plainRunsMax },
  );
  return { runs: page.items.toReversed(), isCut: page.nextCursor !== null };
}

/**
 * Writes plain JSON: `{version, scope, projectId, sessionId, runs, failed, cut}`. A run that cannot be read is listed in
 * `failed` and keeps none of the others from being written. Bodies of attempts are in run files only: they say what the
 * messages say once more.
 */
export async function* writePlainExport(
  around: Surroundings,
  run: RunView,
  scope: 'run' | 'session',
): AsyncGenerator<string> {
  const { runs, isCut } = scope === 'session' ? await listSession(around, run) : { runs: [run], isCut: false };
  const { projectId } = around;
  const head = { version: plainExportVersion, scope, projectId, sessionId: run.sessionId };
  yield `${JSON.stringify(head).slice(0, -1)},"runs":[`;
  const failed: { runId: string; code: string; message: string }[] = [];
  let written = 0;
  for (const { id } of runs) {
    try {
      // A run is written whole or not at all: what fails in its middle would leave half a value.
      const pieces: string[] = [];
      for await (const piece of writeRun(around, id)) pieces.push(piece);
      yield `${written === 0 ? '' : ','}${pieces.join('')}`;
      written += 1;
    } catch (error) {
      const known = isTachographError(error) && error.code !== 'internal';
      failed.push({
        runId: id,
        code: known ? error.code : 'internal',
        message: known ? error.message : 'The run could not be read.',
      });
    }
  }
  yield `],"failed":${JSON.stringify(failed)},"cut":${isCut}}\n`;
}
