import type { ErrorCode } from '../../core/error.ts';
import { TachographError } from '../../core/error.ts';
import type { Handler } from '../../server/index.ts';
import type { Problem } from '../../server/wire.ts';

/** Asks a handler without a port. A refusal comes as the error it stands for. */
export async function ask(handler: Handler, path: string): Promise<Response> {
  const response = await handler(new Request(`http://127.0.0.1/api/v1${path}`));
  if (response.ok) return response;
  const problem = (await response.json()) as Problem;
  throw new TachographError(problem.code as ErrorCode, problem.detail);
}

/** Asks a handler for JSON. */
export async function askJson<T>(handler: Handler, path: string): Promise<T> {
  return (await (await ask(handler, path)).json()) as T;
}
