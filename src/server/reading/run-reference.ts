import { isTachographError, TachographError } from '../../core/error.ts';
import { isUuid } from '../../core/id.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Surroundings } from '../surroundings.ts';

const shownMax = 5;

/** A run by its id. One that was just created as work may wait to be filed: then it is filed first. */
async function readRun({ store, projectId }: Pick<Surroundings, 'store' | 'projectId'>, id: string): Promise<RunView> {
  try {
    return await store.getRun(projectId, id);
  } catch (error) {
    const isMissing = isTachographError(error) && error.code === 'run-not-found';
    if (!isMissing || store.work === null || !(await store.work.file(projectId, id))) throw error;
    return store.getRun(projectId, id);
  }
}

/**
 * The run that a path names: by id, a unique beginning of one, or `last`, the newest top-level run that is no dry run.
 * `run-not-found` or `prefix-ambiguous` otherwise.
 */
export async function findRun(around: Pick<Surroundings, 'store' | 'projectId'>, reference: string): Promise<RunView> {
  const { store, projectId } = around;
  if (reference === 'last') {
    const { items } = await store.listRuns(projectId, { topLevelOnly: true }, { limit: 1 });
    if (items[0] === undefined)
      throw new TachographError('run-not-found', 'There are no runs yet. Record one: tachograph run -- node agent.mjs');
    return items[0];
  }
  const prefix = reference.toLowerCase();
  if (!/^[0-9a-f-]{1,36}$/.test(prefix)) {
    throw new TachographError(
      'bad-argument',
      `${JSON.stringify(reference)} is not a run: give an id, the beginning of one, or "last".`,
    );
  }
  if (isUuid(prefix)) return readRun(around, prefix);
  const ids = await store.findRunIds(projectId, prefix, shownMax + 1);
  if (ids.length === 0)
    throw new TachographError(
      'run-not-found',
      `No run begins with ${JSON.stringify(reference)}. "tachograph ls" shows the newest.`,
    );
  if (ids.length > 1) {
    const shown = ids.slice(0, shownMax).join(', ');
    const rest = ids.length > shownMax ? ', …' : '';
    throw new TachographError(
      'prefix-ambiguous',
      `${JSON.stringify(reference)} begins several runs: ${shown}${rest}. Give more of the id.`,
    );
  }
  return store.getRun(projectId, ids[0]!);
}
