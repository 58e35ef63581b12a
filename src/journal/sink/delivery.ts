import { parseKey } from '../../core/access/key.ts';
import type { Receipt } from '../../core/record/receipt.ts';
import { parseReceipt } from '../../core/record/receipt.ts';

/** What became of one batch. */
export type Delivery =
  | {
      readonly outcome: 'kept';
      /** Changes with every erasure at the server. */
      readonly generation: number;
      /** What the server signed of the batch; `null` from one that signs nothing, `broken` for what is no receipt. */
      readonly receipt: Receipt | 'broken' | null;
    }
  /** The place is there but takes no more for now, or is not reached; `retryAfterMs` is its own word, if it gave one. */
  | { readonly outcome: 'later'; readonly retryAfterMs: number | null; readonly cause: unknown }
  | { readonly outcome: 'too-large'; readonly cause: unknown }
  /** It will never take this batch. */
  | { readonly outcome: 'refused'; readonly status: number; readonly cause: unknown };

/** Where batches go. */
export interface DeliveryOptions {
  /** Address of the server, with or without a path in front of `/api/v1/ingest`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token: string | null;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}

/** Media type of a batch: the bytes of a journal file. */
export const batchMediaType = 'application/vnd.tachograph.journal';

/** A receipt names every run of its batch. */
const answerBytesMax = 4 * 1024 * 1024;
const refusalBytesMax = 4096;

/** The project that a key is of; `null` for none, and for a word that is no key. */
export function keyToProject(key: string | null | undefined): string | null {
  return parseKey(key?.trim() ?? '')?.projectId ?? null;
}

/** The address that takes batches. Throws `TypeError` when `url` is none, without its words: it may hold a secret. */
export function ingestUrl(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : null;
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new TypeError('The address of the server is none; give one such as https://records.example.');
  if (base.username !== '' || base.password !== '')
    throw new TypeError(
      'The address of the server holds a user name or password; give a key in TACHOGRAPH_KEY instead.',
    );
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return new URL('api/v1/ingest', base);
}

function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after'));
  return response.headers.has('retry-after') && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** The first bytes of an answer as text. Nothing past `bytesMax` is taken in, and the connection is left then. */
async function readText({ body }: Response, bytesMax: number): Promise<{ text: string; isWhole: boolean }> {
  if (body === null) return { text: '', isWhole: true };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > bytesMax) break;
  }
  const whole = Buffer.concat(chunks);
  return { text: whole.toString('utf8', 0, bytesMax), isWhole: bytes <= bytesMax };
}

/** The server's own words, for the error that the host's reporter sees. */
async function refusal(response: Response, url: URL): Promise<Error> {
  const { text } = await readText(response, refusalBytesMax);
  let detail = text;
  try {
    detail = String((JSON.parse(text) as { detail?: unknown }).detail ?? text);
  } catch (error) {
    // Not our server, or something in front of it: its text is all there is.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new Error(`${url.origin} answered ${response.status} to a batch of records: ${detail.slice(0, 300)}`);
}

/** What a server says of a batch that it has; `null` for an answer that is no such word, whoever gave it. */
function parseAnswer(text: string, entries: number): Delivery | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  const said = (answer ?? {}) as { entries?: unknown; generation?: unknown; receipt?: unknown };
  if (said.entries !== entries || typeof said.generation !== 'number') return null;
  const isSilent = said.receipt === undefined || said.receipt === null;
  return {
    outcome: 'kept',
    generation: said.generation,
    receipt: isSilent ? null : (parseReceipt(said.receipt) ?? 'broken'),
  };
}

/** What may stand in a header, and so in a key. */
const sendable = /^[\x21-\x7e]+$/;

/**
 * Sends a batch of so many entries once and says what became of it: kept is only what the server says it has. Follows no
 * redirect and tells nobody the token. Never rejects.
 */
export async function deliver(options: DeliveryOptions, batch: Uint8Array, entries: number): Promise<Delivery> {
  const url = ingestUrl(options.url);
  const token = options.token?.trim() ?? '';
  if (token !== '' && !sendable.test(token)) {
    const cause = new Error(
      'The key (TACHOGRAPH_KEY) holds a character that no key has; copy it anew. Nothing is sent.',
    );
    return { outcome: 'later', retryAfterMs: null, cause };
  }
  try {
    const response = await options.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': batchMediaType,
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      body: batch as Uint8Array<ArrayBuffer>,
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (response.ok) {
      const { text, isWhole } = await readText(response, answerBytesMax);
      const kept = isWhole ? parseAnswer(text, entries) : null;
      const why = `${url.origin} answered ${response.status} to a batch of records, but not as a Tachograph server does; the records are kept.`;
      return kept ?? { outcome: 'later', retryAfterMs: null, cause: new Error(why) };
    }
    const cause = await refusal(response, url);
    if (response.status === 413) return { outcome: 'too-large', cause };
    const isPassing = response.status === 408 || response.status === 429 || response.status >= 500;
    return isPassing
      ? { outcome: 'later', retryAfterMs: retryAfterMs(response), cause }
      : { outcome: 'refused', status: response.status, cause };
  } catch (cause) {
    return { outcome: 'later', retryAfterMs: null, cause };
  }
}
