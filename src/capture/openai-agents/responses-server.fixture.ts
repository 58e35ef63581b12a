import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to the responses API, as far as scripts look at it. */
export interface Asked {
  readonly instructions?: string;
  readonly input: readonly { readonly type?: string; readonly role?: string; readonly [key: string]: unknown }[];
  readonly tools?: readonly { readonly name: string }[];
  readonly stream?: boolean;
  readonly model: string;
}

/** An answer: items of output, or a failure, or a stream that never ends. */
export type Reply =
  | { readonly output: readonly object[] }
  | { readonly status: number; readonly message: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly words: readonly string[]; readonly stalls: true };

/** A scripted provider on loopback that speaks the responses API, streamed and not. */
export interface ResponsesServer {
  readonly baseURL: string;
  readonly asked: readonly Asked[];
  /** What answers from now on; called with the request and its number from 0. */
  script(reply: (asked: Asked, index: number) => Reply | Promise<Reply>): void;
  close(): void;
}

/** An output item with words. */
export const say = (text: string): object => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

/** An output item that calls a function. */
export const call = (name: string, args: object, callId = `call_${name}`): object => ({
  type: 'function_call',
  id: `fc_${callId}`,
  call_id: callId,
  name,
  arguments: JSON.stringify(args),
  status: 'completed',
});

/** True when the conversation has the result of a tool already. */
export const hasResult = ({ input }: Asked): boolean => input.some((item) => item.type === 'function_call_output');

/** What every answer says it took. */
export const usage = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 12 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 39,
};

const toResponse = (asked: Asked, number: number, output: readonly object[]): object => ({
  id: `resp_${number}`,
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: `${asked.model}-served`,
  instructions: asked.instructions ?? null,
  tools: asked.tools ?? [],
  output,
  usage,
});

function playStream(response: ServerResponse, asked: Asked, parts: { whole: object; words: readonly string[] }): void {
  const send = (event: { readonly type: string; readonly [key: string]: unknown }): void =>
    void response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const { output } = parts.whole as { output: readonly { readonly type: string; readonly id: string }[] };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send({ type: 'response.created', response: { ...parts.whole, status: 'in_progress', output: [], usage: null } });
  const at = { output_index: 0, content_index: 0, item_id: 'msg_1' };
  send({
    type: 'response.output_item.added',
    output_index: 0,
    item: { ...(output[0] ?? say('')), status: 'in_progress' },
  });
  for (const word of parts.words) send({ type: 'response.output_text.delta', ...at, delta: word });
  for (const item of output.filter(({ type }) => type === 'function_call')) {
    const { arguments: args } = item as unknown as { readonly arguments: string };
    for (const delta of [args.slice(0, 4), args.slice(4)])
      send({ type: 'response.function_call_arguments.delta', output_index: 0, item_id: item.id, delta });
  }
  if (output.length === 0) return;
  for (const [index, item] of output.entries()) send({ type: 'response.output_item.done', output_index: index, item });
  send({ type: 'response.completed', response: parts.whole });
  response.end();
}

const wordsOf = (output: readonly object[]): readonly string[] =>
  output.flatMap((item) => {
    const text = (item as { content?: readonly { text: string }[] }).content?.[0]?.text;
    return text === undefined ? [] : text.split(/(?<= )/);
  });

function play(response: ServerResponse, asked: Asked, number: number, reply: Reply): void {
  if ('status' in reply) {
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'x-request-id': `req_${number}`,
      ...reply.headers,
    });
    response.end(JSON.stringify({ error: { message: reply.message, type: 'server_error', code: null, param: null } }));
    return;
  }
  if ('stalls' in reply)
    return playStream(response, asked, { whole: toResponse(asked, number, []), words: reply.words });
  const whole = toResponse(asked, number, reply.output);
  if (asked.stream === true) return playStream(response, asked, { whole, words: wordsOf(reply.output) });
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': `req_${number}` });
  response.end(JSON.stringify(whole));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Starts a server on a free port. */
export async function createResponsesServer(): Promise<ResponsesServer> {
  let answerWith: (asked: Asked, index: number) => Reply | Promise<Reply> = () => ({ output: [say('hello')] });
  let asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await readBody(request)) as Asked;
    const index = asked.push(body) - 1;
    play(response, body, index, await answerWith(body, index));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  // A connection that is closed while it is used again is another try of its client, on a slow machine.
  server.keepAliveTimeout = 0;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get asked() {
      return asked;
    },
    script(reply) {
      asked = [];
      answerWith = reply;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
