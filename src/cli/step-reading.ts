import type { ErrorCode } from '../core/error.ts';
import { TachographError } from '../core/error.ts';
import { createHandler } from '../server/index.ts';
import type { AttemptDetail, Problem, StepDetail, WireContext } from '../server/wire.ts';
import type { ReadingPlace } from './export/file-place.ts';

/** A step in full, exactly as the server's API gives it. */
export interface StepReading {
  readonly detail: StepDetail;
  readonly context: WireContext;
  /** Attempts with their bodies read back. */
  readonly attempts: readonly AttemptDetail[];
}

/** Reads a step through the same routes that the viewer uses, without a port. `step-not-found` when there is none. */
export async function readStep(opened: ReadingPlace, runId: string, number: number): Promise<StepReading> {
  const handler = createHandler({
    store: opened.store,
    projectId: opened.projectId,
    verify: (_project, id) => opened.verify(id),
  });
  const get = async <T>(path: string): Promise<T> => {
    const response = await handler(new Request(`http://127.0.0.1/api/v1/runs/${runId}/steps/${number}${path}`));
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json()) as Problem;
    throw new TachographError(problem.code as ErrorCode, problem.detail);
  };
  try {
    const detail = await get<StepDetail>('');
    const context = await get<WireContext>('/context');
    const attempts: AttemptDetail[] = [];
    for (const attempt of detail.attempts) attempts.push(await get<AttemptDetail>(`/attempts/${attempt.number}`));
    return { detail, context, attempts };
  } finally {
    handler.close();
  }
}
