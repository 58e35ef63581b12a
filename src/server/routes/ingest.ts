import { z } from 'zod';
import type { Receipt } from '../../core/record/receipt.ts';
import { count, ms } from '../schema/scalar.ts';
import type { Route } from '../route.ts';
import { defineRoute, toJson } from '../route.ts';
import { toProblem } from '../problem.ts';

/** What a batch holds at most. A recorder that is told so sends smaller ones. */
const batchBytesMax = 32 * 1024 * 1024;

const signedReceipt = z
  .strictObject({
    projectId: z.string(),
    writerId: z.string(),
    batchDigest: z.string().describe('SHA-256 of the bytes that were sent.'),
    entries: count,
    heads: z
      .array(z.strictObject({ runId: z.string(), n: count, hash: z.string() }))
      .describe('The newest event of each run.'),
    takenAtMs: ms,
    publicKey: z.string(),
    signature: z.string(),
  })
  .meta({ id: 'Receipt' }) satisfies z.ZodType<Receipt>;

const answer = z
  .strictObject({
    entries: z.int().describe('Entries that are now on disk here.'),
    generation: z
      .int()
      .describe('Changes when contents sent before can no longer be relied on; the same at every server of a store.'),
    receipt: signedReceipt.nullable().optional().describe('Signed by the key of the project’s seals.'),
  })
  .meta({ id: 'IngestReceipt' });

/** What a disk says that will take more later. */
const passingCodes = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN', 'EIO']);

const ingest = defineRoute({
  method: 'POST',
  path: '/api/v1/ingest',
  scope: 'ingest',
  summary:
    'Takes a batch of journal entries. Answered once they are durable here, with a signed receipt; a batch that comes again changes nothing.',
  bytes: { mediaType: 'application/vnd.tachograph.journal', bytesMax: batchBytesMax },
  answer,
  handle: async ({ bytes }, { inbox, projectId }) => {
    if (inbox === null) return toProblem('not-offered', 'This server only reads; send records to one that keeps them.');
    try {
      return toJson(JSON.stringify(await inbox(projectId, bytes)));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!passingCodes.has(code)) throw error;
      return toProblem('store-busy', `The disk takes no more records for now (${code}). Send the batch again later.`, {
        headers: { 'retry-after': '5' },
      });
    }
  },
});

/** Where recorders without a disk send their entries. */
export const ingestRoutes: readonly Route[] = [ingest];
