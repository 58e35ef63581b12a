import type { JournalEntry } from '../../core/journal.ts';
import type { RunFileReport } from '../../core/run-file/reader.ts';
import { createRunFileReader } from '../../core/run-file/reader.ts';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { OpenedHome } from '../open.ts';
import { openRunFiles } from './run-file-source.ts';

/** What showing a run needs of the place where it rests. */
export type ReadingPlace = Pick<OpenedHome, 'store' | 'projectId' | 'verify'>;

/** The first run of a file, in memory, and the place to read it from. Throws `export-foreign` for a file that is not whole. */
export async function openFilePlace(
  path: string,
): Promise<ReadingPlace & { readonly run: RunView; readonly report: RunFileReport }> {
  const [source] = await openRunFiles(path);
  const reader = createRunFileReader({ name: source!.name });
  const entries: JournalEntry[] = [];
  for await (const chunk of source!.read()) entries.push(...reader.push(chunk));
  const report = reader.finish();
  const { projectId, runId } = report.manifest;
  if (entries.length === 0)
    throw new TachographError('export-foreign', `${source!.name} shows nothing: ${report.verdict.intact.message}`);
  const store = createMemoryStore();
  await store.initialize();
  await store.importBatch({ projectId, entries, position: null });
  return { store, projectId, verify: async () => report.verdict, run: await store.getRun(projectId, runId), report };
}
