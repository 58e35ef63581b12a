import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A provider that answers at once and remembers, in another process than the agents', what it was asked. */
export interface LedgerProvider {
  readonly baseUrl: string;
  /** Requests seen, by the text of the first user message. */
  readonly requestsByPrompt: Map<string, number>;
  /** Requests answered whole, by the same text. */
  readonly answeredByPrompt: Map<string, number>;
  /** Called with each request's prompt. */
  onRequest: (prompt: string) => void;
  close(): Promise<void>;
}

interface Chat {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

function answerTo(chat: Chat): object {
  const isAsked = chat.messages.some(({ role }) => role === 'tool');
  const message = isAsked
    ? { role: 'assistant', content: 'the sum is two' }
    : {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
      };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_767_225_600,
    model: 'm-served',
    choices: [{ index: 0, message, finish_reason: isAsked ? 'stop' : 'tool_calls' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  };
}

const plus = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Starts it on a free port of the loopback. */
export async function startLedgerProvider(): Promise<LedgerProvider> {
  const requestsByPrompt = new Map<string, number>();
  const answeredByPrompt = new Map<string, number>();
  const provider = { onRequest: (_prompt: string): void => undefined };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const chat = JSON.parse(Buffer.concat(chunks).toString()) as Chat;
      const user = chat.messages.find(({ role }) => role === 'user')!;
      const prompt = typeof user.content === 'string' ? user.content : JSON.stringify(user.content);
      plus(requestsByPrompt, prompt);
      provider.onRequest(prompt);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answerTo(chat)), () => plus(answeredByPrompt, prompt));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(provider, {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requestsByPrompt,
    answeredByPrompt,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
