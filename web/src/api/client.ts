import type { Book } from './book.ts';
import { NotInBook, openBook } from './book.ts';
import type { Problem } from './wire.ts';

/** An answer that was no success, or no answer at all (`status` 0). `code` is one of the API's closed codes when it told one. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  constructor(message: string, status: number, code: string | null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/** Reads what an unsuccessful answer says about itself. */
export async function responseToError(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    const message = problem.detail ?? problem.title ?? response.statusText;
    return new ApiError(message, response.status, problem.code ?? null);
  } catch {
    return new ApiError(`The server answered ${response.status}`, response.status, null);
  }
}

async function readFromBook<T>(book: Promise<Book>, path: string): Promise<T> {
  try {
    return (await book).answer(path) as T;
  } catch (error) {
    if (error instanceof NotInBook) throw new ApiError(error.message, 404, null);
    throw new ApiError('The data in this page can’t be read', 422, null);
  }
}

/**
 * Reads JSON, from the page itself where it holds its runs. Throws `ApiError` for anything but a success, also when the
 * server can't be reached.
 */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const book = openBook();
  if (book !== null) return readFromBook<T>(book, path);
  let response: Response;
  try {
    response = await fetch(path, { headers: { accept: 'application/json' }, signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('The server can’t be reached', 0, null);
  }
  if (!response.ok) throw await responseToError(response);
  return (await response.json()) as T;
}

/** Sends JSON and reads the answer as JSON. Throws `ApiError` for anything but a success. */
export async function postJson<T>(path: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch {
    throw new ApiError('The server can’t be reached', 0, null);
  }
  if (!response.ok) throw await responseToError(response);
  return (await response.json()) as T;
}
