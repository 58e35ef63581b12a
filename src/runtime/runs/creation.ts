import { TachographError } from '../../core/error.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { CreationParts } from '../../core/work/creation.ts';
import { answerToResult, nestingMax, requestToCreation } from '../../core/work/creation.ts';
import type { RunRequest } from '../../core/work/request.ts';
import { parseRunRequest } from '../../core/work/request.ts';
import { runCodes } from '../../core/work/transition.ts';
import type { CreationAnswer, WorkCreation } from '../../core/work/work.ts';
import type { Batcher } from '../../core/batcher.ts';
import { createBatcher } from '../../core/batcher.ts';
import type { RuntimeParts } from '../parts.ts';
import { readRunMode } from '../shadow/project-mode.ts';
import { storeTimeOf } from '../store-time.ts';
import { wakeHubOf } from '../wake.ts';

/** What a creation answers with. */
export interface CreatedRun {
  readonly runId: string;
  /** The key had a run already: this is its id. */
  readonly duplicate: boolean;
}

type Ancestors = CreationParts['ancestors'];

/** The parent's chain, root first. A parent that was only recorded counts with its own ancestors. */
async function readAncestors(parts: RuntimeParts, projectId: string, parentRunId: string): Promise<Ancestors> {
  const chain: Ancestors[number][] = [];
  let next: string | null = parentRunId;
  while (next !== null && chain.length <= nestingMax) {
    const row = await parts.work.get(projectId, next);
    if (row === null) break;
    if (chain.length === 0 && isTerminal(row.state))
      throw new TachographError(runCodes.finished, `Run ${next} is ${row.state}: it can be the parent of no new run.`);
    chain.unshift({ id: row.runId, rootRunId: row.rootRunId, traceId: row.traceId, shadow: row.shadow });
    next = row.parentRunId;
  }
  if (next === null || chain.length > nestingMax) return chain;
  const recorded = await parts.store.parentChain(projectId, next);
  return [...recorded.map(({ id, rootRunId, traceId, shadow }) => ({ id, rootRunId, traceId, shadow })), ...chain];
}

/** Creations of one project that come at the same time go to the store together. */
const batchersByWork = new WeakMap<object, Map<string, Batcher<WorkCreation, CreationAnswer>>>();

function batcherOf({ work }: RuntimeParts, projectId: string): Batcher<WorkCreation, CreationAnswer> {
  const byProject = batchersByWork.get(work) ?? new Map<string, Batcher<WorkCreation, CreationAnswer>>();
  batchersByWork.set(work, byProject);
  const known = byProject.get(projectId);
  if (known !== undefined) return known;
  const batcher = createBatcher<WorkCreation, CreationAnswer>({
    batchMax: 200,
    flightsMax: 2,
    run: (creations) => work.create(projectId, creations),
  });
  byProject.set(projectId, batcher);
  return batcher;
}

/** What a request becomes, before it is written. */
export async function toCreation(parts: RuntimeParts, projectId: string, given: RunRequest): Promise<WorkCreation> {
  const request = parseRunRequest(given);
  for (const name of [request.agentId, request.kind ?? ''])
    if (name.includes('\0'))
      throw new TachographError('bad-argument', 'The run cannot be created: a name holds a zero byte.');
  const { parentRunId } = request;
  return requestToCreation(request, {
    projectId,
    ids: parts.ids,
    secrets: parts.secretsOf(projectId),
    scribe: parts.scribeOf(projectId),
    nowMs: await storeTimeOf(parts.work, parts.clock).nowMs(),
    ancestors: parentRunId === undefined ? [] : await readAncestors(parts, projectId, parentRunId),
    toMode: await readRunMode({ directory: parts.store.directory, clock: parts.clock }, projectId),
  });
}

/** Writes a creation. */
export async function writeCreation(
  parts: RuntimeParts,
  projectId: string,
  creation: WorkCreation,
): Promise<CreatedRun> {
  const answer = await batcherOf(parts, projectId).add(creation);
  wakeHubOf(parts.work).fire();
  return answerToResult(creation, answer);
}

/** Creates a run, or finds the one that its key has. */
export async function createRun(parts: RuntimeParts, projectId: string, request: RunRequest): Promise<CreatedRun> {
  return await writeCreation(parts, projectId, await toCreation(parts, projectId, request));
}
