import { createRunFileSigner } from '../../core/run-file/signature.ts';
import type { RunFileSigner } from '../../core/run-file/signature.ts';
import { writeRunFile } from '../../core/run-file/writer.ts';
import type { Exporter, Handler } from '../../server/index.ts';
import { createHandler } from '../../server/index.ts';
import type { OpenedHome } from '../open.ts';
import { collectBook } from './book.ts';
import { readOrigin } from './origin-shelf.ts';
import { partsToPage } from './page.ts';
import { readViewerFiles } from './viewer-files.ts';

/** What an exporter needs of a home. */
export type ExportPlace = Pick<OpenedHome, 'home' | 'keyOf' | 'projectId' | 'store' | 'verify'>;

/** A handler over the home without a port, for what reads through the same routes that the viewer does. */
export function createReadingHandler(place: ExportPlace): Handler {
  return createHandler({
    store: place.store,
    projectId: place.projectId,
    verify: (projectId, runId) => place.verify(runId, projectId),
    originOf: (projectId, runId) => readOrigin(place.home, { projectId, runId }),
  });
}

/** An exporter whose pages may hold two runs and their comparison. */
export interface PageExporter extends Exporter {
  page(projectId: string, runId: string, otherId?: string | null): Promise<string>;
}

/** Writes the runs of a home out, signed with the key that seals them. */
export function createExporter(place: ExportPlace): PageExporter {
  const { home, store } = place;
  const signers = new Map<string, RunFileSigner>();
  const signerOf = (projectId: string): RunFileSigner => {
    let signer = signers.get(projectId);
    if (signer === undefined)
      signers.set(projectId, (signer = createRunFileSigner(place.keyOf(`${projectId}.seal`, 32))));
    return signer;
  };
  const runFile = (projectId: string, runId: string): AsyncGenerator<string> =>
    writeRunFile({
      store,
      projectId,
      runId,
      signer: signerOf(projectId),
      origin: readOrigin(home, { projectId, runId }),
    });
  return {
    runFile,
    async page(projectId, runId, otherId = null) {
      const viewer = readViewerFiles();
      const handler = createReadingHandler(place);
      try {
        const book = await collectBook({ handler, store, projectId }, runId, otherId);
        const files = new Map<string, Buffer>();
        for (const id of Object.keys(book.runs)) {
          const lines: Buffer[] = [];
          for await (const line of runFile(projectId, id)) lines.push(Buffer.from(line));
          files.set(id, Buffer.concat(lines));
        }
        return partsToPage({ ...viewer, book: JSON.stringify(book), files });
      } finally {
        handler.close();
      }
    },
  };
}
