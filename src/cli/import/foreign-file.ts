import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ForeignFile, ForeignProgress, ForeignReport, KnownRun } from '../../ingest/import/index.ts';
import { detectForeignFormat, importForeign } from '../../ingest/import/index.ts';
import { readOrCreateKey } from '../../journal/index.ts';
import type { OpenedHome } from '../open.ts';
import { toPlural } from '../print/figures.ts';
import type { Terminal } from '../print/terminal.ts';
import { toVisible } from '../print/terminal.ts';

/** Entries of a run go into the store in batches of this size. */
const batchEntries = 500;
const progressMs = 1000;

async function findImported({ store, projectId }: OpenedHome, importId: string): Promise<KnownRun | null> {
  const page = await store.listRuns(
    projectId,
    { labels: { 'import.id': importId }, includeDryRun: true },
    { limit: 1 },
  );
  const run = page.items[0];
  if (run === undefined) return null;
  const { id, rootRunId, createdAtMs, endReason } = run;
  return { runId: id, rootRunId, startedAtMs: createdAtMs, isEnded: endReason !== null };
}

/** Tells of a long import, at most once a second. */
function createProgress({ note }: Pick<Terminal, 'note'>): (progress: ForeignProgress) => void {
  let lastMs = performance.now();
  return ({ file, runs, steps }) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < progressMs) return;
    lastMs = nowMs;
    note(`tachograph: ${toVisible(file)}: ${toPlural(runs, 'run')}, ${toPlural(steps, 'step')} so far …`);
  };
}

/** Imports a file of another tool into a home; `null` for a file in none of their formats, which nothing was done with. */
export async function importForeignFile(
  path: string,
  opened: OpenedHome,
  told: { readonly terminal: Pick<Terminal, 'note'>; readonly onError: (error: unknown) => void },
): Promise<ForeignReport | null> {
  if (!existsSync(path) || !statSync(path).isFile()) return null;
  const file: ForeignFile = { name: basename(path), read: () => createReadStream(path) as AsyncIterable<Uint8Array> };
  const format = await detectForeignFormat(file);
  if (format === null) return null;
  const { home, projectId, store, redactor } = opened;
  return importForeign(file, format, {
    async keep(entries) {
      for (let from = 0; from < entries.length; from += batchEntries)
        await store.importBatch({ projectId, entries: entries.slice(from, from + batchEntries), position: null });
    },
    findRun: (importId) => findImported(opened, importId),
    contentKey: readOrCreateKey(home, `${projectId}.content`, 32),
    redactor,
    fileTimeMs: Math.round(statSync(path).mtimeMs),
    onProgress: createProgress(told.terminal),
    onError: told.onError,
  });
}

const runsShownMax = 20;

/** Says what an import did: its runs, and what of the file is missing. */
export function printForeign(report: ForeignReport, terminal: Terminal): void {
  const { runs, broken, format } = report;
  const file = toVisible(report.file);
  const added = runs.filter(({ isNew }) => isNew).length;
  const here = runs.length - added;
  const again = here === 0 ? '' : `, ${here} already here`;
  terminal.print(`${file} (${format}): ${toPlural(added, 'new run')}${again}`);
  for (const { runId, steps, isNew } of runs.slice(0, runsShownMax))
    terminal.print(`  run ${runId}: ${toPlural(steps, 'step')}${isNew ? '' : ', already here'}`);
  if (runs.length > runsShownMax) terminal.print(`  … and ${toPlural(runs.length - runsShownMax, 'more run')}`);
  for (const { place, why } of broken)
    terminal.note(`tachograph: ${file}, ${toVisible(place)} was not imported: ${toVisible(why)}`);
}
