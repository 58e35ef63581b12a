import { parseJson, toFields } from './fields.ts';
import type { ForeignFile, ForeignFormat } from './foreign.ts';

/** So much of a file is looked at before its format is told by its whole. */
const startBytesMax = 1024 * 1024;
/** A document larger than this is not read into memory. */
export const documentBytesMax = 512 * 1024 * 1024;

/** The first bytes of a file, and whether that is all of it. */
async function readStart(file: ForeignFile): Promise<{ text: string; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of file.read()) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= startBytesMax) return { text: Buffer.concat(chunks).toString('utf8'), isWhole: false };
  }
  return { text: Buffer.concat(chunks).toString('utf8'), isWhole: true };
}

/** A whole file as text; `null` for one that is too large to be one document. */
export async function readDocument(file: ForeignFile): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of file.read()) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > documentBytesMax) return null;
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

/** What a line or a document says of its own format; `null` for none that is known. */
function toFormat(value: unknown): ForeignFormat | null {
  const fields = toFields(value);
  if (fields === null) return null;
  if (Array.isArray(fields['references']) && toFields(fields['aggregator']) !== null) return 'moa';
  if (Array.isArray(fields['runs']) && Array.isArray(fields['steps'])) return 'ai-sdk-devtools';
  const isTranscript = Array.isArray(fields['trajectory']) || Array.isArray(fields['history']);
  return isTranscript && ('info' in fields || 'trajectory' in fields) ? 'swe-agent' : null;
}

/**
 * The format of another tool that a file is in, by what it holds, never by its name; `null` when it is none of them. Lines
 * before the first good one may be broken.
 */
export async function detectForeignFormat(file: ForeignFile): Promise<ForeignFormat | null> {
  const { text, isWhole } = await readStart(file);
  const start = text.replace(/^\uFEFF/, '').trimStart();
  // A run file is lines of arrays, a page is HTML, a packed file is no text.
  if (!start.startsWith('{')) return null;
  for (const line of start.split('\n').slice(0, 100)) {
    const format = line.trim() === '' ? null : toFormat(parseJson(line));
    if (format !== null) return format;
  }
  const document = isWhole ? start : await readDocument(file);
  return document === null ? null : toFormat(parseJson(document));
}
