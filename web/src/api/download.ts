import { ApiError, responseToError } from './client.ts';
import { openBook } from './book.ts';
import { paths } from './paths.ts';

/** The forms in which a run leaves this place. */
export type ExportFormat = 'run-file' | 'html' | 'json';

const endings: Readonly<Record<ExportFormat, string>> = { 'run-file': 'tgr', html: 'html', json: 'json' };

async function readExport(runId: string, format: ExportFormat): Promise<Blob> {
  const book = openBook();
  if (book !== null) {
    const bytes = await (await book).readRunFile(runId);
    if (bytes === null) throw new ApiError('This page does not hold the run file', 404, null);
    return new Blob([bytes]);
  }
  let response: Response;
  try {
    response = await fetch(paths.export(runId, format));
  } catch {
    throw new ApiError('The server can’t be reached', 0, null);
  }
  if (!response.ok) throw await responseToError(response);
  return response.blob();
}

/** Reads a run in one form and hands it to the browser as a file. Throws `ApiError`. */
export async function downloadRun(runId: string, format: ExportFormat): Promise<void> {
  const address = URL.createObjectURL(await readExport(runId, format));
  const link = document.createElement('a');
  link.href = address;
  link.download = `run-${runId}.${endings[format]}`;
  link.click();
  // The browser has begun to read by then; kept until the page goes it would hold the file in memory.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
