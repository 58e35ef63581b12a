import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFetchCapture } from '../../src/capture/fetch/index.ts';
import type { Recording } from './recording.ts';
import { createRecording } from './recording.ts';

/** What answers a request, given its whole body. */
export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real HTTP server on loopback whose answers a test writes itself. */
export interface Loopback {
  readonly origin: string;
  /** Handlers by path; a path without one is answered 404. */
  readonly handlers: Record<string, Handler>;
  close(): void;
}

/** Starts a server on a free port. */
export async function openLoopback(): Promise<Loopback> {
  const handlers: Record<string, Handler> = {};
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const handler = handlers[request.url!.split('?')[0]!];
      if (handler === undefined) response.writeHead(404).end();
      else handler(request, response, Buffer.concat(chunks).toString('utf8'));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, handlers, close };
}

/** Path of chat completions. */
export const chatPath = '/v1/chat/completions';

/** Body of a chat request with one user message. */
export function chatBody(words: string, more: object = {}): string {
  return JSON.stringify({ model: 'gpt-9', messages: [{ role: 'user', content: words }], ...more });
}

/** A whole chat answer. */
export function chatAnswer(words: string): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-9-served',
    choices: [{ index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
  });
}

/** One event of a chat stream. */
export function chatDelta(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'gpt-9-served', choices })}\n\n`;
}

/** A POST of JSON with a credential that must not be recorded. */
export function post(body: BodyInit): RequestInit {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-hidden-key-000000' };
  return { method: 'POST', body, headers };
}

/** Records what this process sends to loopback, through both layers or those named, until `stop`. */
export function recordHttp(layers?: readonly ('fetch' | 'channels')[]): { recording: Recording; stop: () => void } {
  const recording = createRecording();
  const complaints = recording.complaints as unknown[];
  const stop = createFetchCapture({
    recorder: recording.recorder,
    hostList: '127.0.0.1:*',
    onError: (error) => void complaints.push(error),
    ...(layers === undefined ? {} : { layers }),
  }).install();
  return { recording, stop };
}

/** Lets events that are under way arrive; fails when they do not within two seconds. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !isTrue(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  if (!isTrue()) throw new Error('what was waited for did not happen');
}

/** Tells whether every recorded attempt and step has its end. */
export function isSettled(recording: Pick<Recording, 'runs'>): () => boolean {
  return () => {
    const runs = recording.runs();
    const isEnded = ({ attempts, steps }: (typeof runs)[number]): boolean =>
      attempts.length > 0 &&
      attempts.every(({ status }) => status !== null) &&
      steps.every(({ status }) => status !== 'in_progress');
    return runs.length > 0 && runs.every(isEnded);
  };
}
