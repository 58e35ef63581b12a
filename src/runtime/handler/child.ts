import { TachographError } from '../../core/error.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';
import { childEndSignal } from '../runs/child-end.ts';
import { createRun } from '../runs/creation.ts';
import { storeTimeOf } from '../store-time.ts';
import type { ChildEnd } from './handler.ts';
import type { ContextParts } from './surroundings.ts';
import { holdFor } from './waiting.ts';

/** Starts a run below this one, once: its key is the place in the handler. */
export async function startChild(
  of: ContextParts,
  request: Omit<RunRequest, 'parentRunId'>,
): Promise<{ readonly runId: string }> {
  of.lease.check();
  const { parts, run } = of;
  const known = of.memory.next('child', `run/${request.agentId}`, request);
  if (known.memo?.status === 'done') return known.value() as { runId: string };
  return await of.waits.busy(async () => {
    await known.put({ status: 'announced', stepId: null });
    const hasKey = request.idempotencyKey !== undefined || request.channelType !== undefined;
    const own = `child/${of.keyRunId}/${known.name}/${known.occurrence}`;
    const { runId } = await createRun(parts, run.projectId, {
      triggerType: 'run',
      triggerRef: run.id,
      ...request,
      shadow: run.shadow || request.shadow === true,
      dryRun: run.dryRun || request.dryRun === true,
      ...(hasKey ? {} : { idempotencyKey: own }),
      parentRunId: run.id,
    });
    await known.put({ status: 'done', stepId: null, value: { runId } });
    return { runId };
  });
}

/** The output of an ended run as the record has it; `undefined` without one. */
async function readOutput(parts: RuntimeParts, projectId: string, runId: string): Promise<unknown> {
  await parts.work.file(projectId, runId);
  const { outputId } = await parts.store.getRun(projectId, runId);
  if (outputId === null) return undefined;
  const [content] = await parts.store.readContents(projectId, runId, [outputId]);
  return content === undefined ? undefined : JSON.parse(Buffer.from(content.bytes).toString('utf8'));
}

/** A child that ends soon is waited for without giving the run back. */
const holds = [20, 40, 80, 160, 320, 400];
/** Its end wakes the parent; should whoever ended it have died before that, the parent looks by itself. */
const lookMs = 30_000;
const lookMaxMs = 600_000;

async function findChild({ parts, run }: ContextParts, runId: string): Promise<WorkRow> {
  const row = await parts.work.get(run.projectId, runId);
  if (row !== null) return row;
  throw new TachographError('run-not-found', `There is no run ${runId} to wait for in project ${run.projectId}.`);
}

/** Waits for the end of a run, over as many leases as it takes. */
export async function waitForChild(of: ContextParts, runId: string): Promise<ChildEnd> {
  of.lease.check();
  const { parts, run } = of;
  const known = of.memory.next('child', `wait/${runId}`, runId);
  if (known.memo?.status === 'done') return known.value() as ChildEnd;
  for (const ms of known.memo === null ? holds : [0]) {
    const row = await findChild(of, runId);
    if (isTerminal(row.state))
      return await of.waits.busy(async () => {
        const output = await readOutput(parts, run.projectId, runId);
        const end: ChildEnd = { runId, status: row.state, endReason: row.endReason, output };
        await known.put({ status: 'done', stepId: null, value: end });
        return end;
      });
    if (ms > 0) await holdFor(of, ms);
  }
  const looks = known.memo === null ? 0 : ((known.value() as number | undefined) ?? 0) + 1;
  await of.waits.busy(() => known.put({ status: 'announced', stepId: null, value: looks }));
  const nowMs = await storeTimeOf(parts.work, parts.clock).nowMs();
  const untilMs = nowMs + Math.min(lookMaxMs, lookMs * 2 ** Math.min(looks, 10));
  return await of.waits.until({ untilMs, signal: childEndSignal(runId) });
}
