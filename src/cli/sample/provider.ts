import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptedAnswer } from './script.ts';
import { scriptByAgent } from './script.ts';

/** A provider on loopback that speaks the chat-completions format and answers from a script. */
export interface SampleProvider {
  readonly baseUrl: string;
  close(): Promise<void>;
}

interface ChatRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

const created = 1_767_225_600;

async function readBody(request: IncomingMessage): Promise<ChatRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest;
}

/** The agent that asks: its name is the first word of its instructions. An adviser is a model of its own. */
function agentOf(body: ChatRequest): string {
  if (Object.hasOwn(scriptByAgent, body.model)) return body.model;
  return /You are the ([a-z-]+)/.exec(JSON.stringify(body.messages[0] ?? ''))?.[1] ?? '';
}

/** USD per token that this provider charges, and says so in its answers, as some real ones do. */
const charges = { input: 1e-6, cached: 1e-7, output: 4e-6 };

function toUsage({ usage }: ScriptedAnswer): object | null {
  if (usage === undefined) return null;
  const { input, cached, output } = usage;
  const cost = (input - cached) * charges.input + cached * charges.cached + output * charges.output;
  return {
    cost: Number(cost.toFixed(9)),
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}

function toCalls(answer: ScriptedAnswer): object[] | undefined {
  return answer.calls?.map(({ id, name, args }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  }));
}

function sendWhole(response: ServerResponse, answer: ScriptedAnswer, id: string, model: string): void {
  const tool_calls = toCalls(answer);
  const message = {
    role: 'assistant',
    content: answer.text ?? null,
    ...(tool_calls === undefined ? {} : { tool_calls }),
  };
  const choice = { index: 0, message, finish_reason: tool_calls === undefined ? 'stop' : 'tool_calls' };
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': id });
  response.end(
    JSON.stringify({ id, object: 'chat.completion', created, model, choices: [choice], usage: toUsage(answer) }),
  );
}

async function sendStream(response: ServerResponse, answer: ScriptedAnswer, id: string, model: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': id });
  const chunk = (choices: object[], usage: object | null = null): void => {
    response.write(
      `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices, usage })}\n\n`,
    );
  };
  const delta = (fields: object, finish: string | null = null): void =>
    chunk([{ index: 0, delta: fields, finish_reason: finish }]);
  delta({ role: 'assistant', content: '' });
  for (const word of (answer.text ?? '').match(/\S+\s*/g) ?? []) {
    if (response.destroyed) return;
    delta({ content: word });
    await sleep(answer.wordMs ?? 10);
  }
  const calls = toCalls(answer);
  if (calls !== undefined) delta({ tool_calls: calls.map((call, index) => ({ index, ...call })) });
  delta({}, calls === undefined ? 'stop' : 'tool_calls');
  chunk([], toUsage(answer));
  response.end('data: [DONE]\n\n');
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  served: Map<string, number>,
): Promise<void> {
  const body = await readBody(request);
  const agent = agentOf(body);
  const turn = served.get(agent) ?? 0;
  served.set(agent, turn + 1);
  const script = scriptByAgent[agent] ?? [];
  const answer = script[turn % Math.max(1, script.length)];
  const id = `sample-${agent}-${turn + 1}`;
  if (answer === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        error: {
          message: `No script for agent ${JSON.stringify(agent)}.`,
          type: 'invalid_request_error',
          code: 'not_found',
        },
      }),
    );
    return;
  }
  await sleep(answer.waitMs);
  if (answer.error !== undefined) {
    response.writeHead(answer.status ?? 500, {
      'content-type': 'application/json',
      'x-request-id': id,
      ...answer.headers,
    });
    response.end(JSON.stringify({ error: { ...answer.error, param: null } }));
  } else if (body.stream === true) await sendStream(response, answer, id, body.model);
  else sendWhole(response, answer, id, body.model);
}

/** Starts the scripted provider on a free port of the loopback. */
export async function startSampleProvider(): Promise<SampleProvider> {
  const served = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    answerRequest(request, response, served).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(400).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
