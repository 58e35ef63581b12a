import type { Receipt } from '../../core/record/receipt.ts';

/** What became of one batch. */
export type Delivery =
  | {
      readonly outcome: 'kept';
      /** Changes with every erasure at the server. */
      readonly generation: number;
      /** What the server signed of the batch; `null` from one that signs nothing. */
      readonly receipt: Receipt | null;
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

const answerBytesMax = 4096;

/** The address that takes batches. Throws `TypeError` when `url` is none. */
export function ingestUrl(url: string): URL {
  const base = new URL(url);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return new URL('api/v1/ingest', base);
}

function retryAfterMs(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after'));
  return response.headers.has('retry-after') && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** The server's own words, for the error that the host's reporter sees. */
async function refusal(response: Response, url: URL): Promise<Error> {
  const text = (await response.text()).slice(0, answerBytesMax);
  let detail = text;
  try {
    detail = String((JSON.parse(text) as { detail?: unknown }).detail ?? text);
  } catch (error) {
    // Not our server, or something in front of it: its text is all there is.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new Error(`${url.origin} answered ${response.status} to a batch of records: ${detail.slice(0, 300)}`);
}

/** Sends a batch once and says what became of it. Never rejects. */
export async function deliver(options: DeliveryOptions, batch: Uint8Array): Promise<Delivery> {
  const url = ingestUrl(options.url);
  try {
    const response = await options.fetch(url, {
      method: 'POST',
      headers: {
        'content-type': batchMediaType,
        ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
      },
      body: batch as Uint8Array<ArrayBuffer>,
      redirect: 'error',
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (response.ok) {
      const { generation, receipt } = (await response.json()) as { generation?: unknown; receipt?: Receipt };
      return {
        outcome: 'kept',
        generation: typeof generation === 'number' ? generation : 0,
        receipt: typeof receipt === 'object' ? receipt : null,
      };
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
