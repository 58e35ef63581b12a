import type { ServerResponse } from 'node:http';
import { isTachographError } from '../../core/error.ts';

/** Answers in the place of a provider, in the form that the providers' clients read. Cuts an answer that has begun. */
export function answerRefusal(outgoing: ServerResponse, status: number, code: string, message: string): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const body = JSON.stringify({ type: 'error', error: { type: 'tachograph_proxy', code, message } });
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  outgoing.end(body);
}

/** What a client is told of an upstream that could not be reached: the system's code and never an address with a key in it. */
export function toUnreachedMessage(name: string, host: string, error: unknown): string {
  if (isTachographError(error)) return error.message;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  return `The upstream ${name} (${host}) could not be reached: ${code}.`;
}
