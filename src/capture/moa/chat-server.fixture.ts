import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { Loopback } from '../../../test/playback/loopback.ts';
import { openLoopback } from '../../../test/playback/loopback.ts';

/** One answer of a scripted chat model over HTTP. */
export interface ChatTurn {
  readonly text?: string;
  readonly tool?: { readonly id: string; readonly name: string; readonly args: object };
  readonly status?: number;
  readonly waitMs?: number;
  /** `null`: the provider reports none. */
  readonly usage?: { readonly input: number; readonly output: number } | null;
  /** The connection is cut after the first word of a stream. */
  readonly isCut?: boolean;
}

/** Chat models behind one real HTTP server, each with its own script and what it was asked. */
export interface ChatServer {
  model(name: string, turns: readonly ChatTurn[]): LanguageModelV4;
  /** Bodies of the requests that a model was sent, parsed. */
  asked(name: string): readonly { readonly messages: readonly { role: string; content: unknown }[] }[];
  close(): void;
}

function toUsage({ usage = { input: 100, output: 20 } }: ChatTurn): object | undefined {
  if (usage === null) return undefined;
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

function toCalls({ tool }: ChatTurn): object[] | undefined {
  if (tool === undefined) return undefined;
  return [{ id: tool.id, type: 'function', function: { name: tool.name, arguments: JSON.stringify(tool.args) } }];
}

/** The events of a streamed answer, as text. */
function* toEvents(turn: ChatTurn, model: string): Generator<string> {
  const chunk = (fields: object): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, ...fields })}\n\n`;
  const delta = (given: object, finish: string | null = null): string =>
    chunk({ choices: [{ index: 0, delta: given, finish_reason: finish }] });
  for (const word of (turn.text ?? '').split(/(?<= )/)) {
    yield delta({ content: word });
    if (turn.isCut === true) return;
  }
  const calls = toCalls(turn);
  if (calls !== undefined) yield delta({ tool_calls: calls.map((call, index) => ({ index, ...call })) });
  yield delta({}, calls === undefined ? 'stop' : 'tool_calls');
  const usage = toUsage(turn);
  if (usage !== undefined) yield chunk({ choices: [], usage });
  yield 'data: [DONE]\n\n';
}

/** Starts the server. */
export async function openChatServer(): Promise<ChatServer> {
  const loopback: Loopback = await openLoopback();
  const asked = new Map<string, { messages: { role: string; content: unknown }[] }[]>();
  return {
    close: loopback.close,
    asked: (name) => asked.get(name) ?? [],
    model(name, turns) {
      const bodies: { messages: { role: string; content: unknown }[] }[] = [];
      asked.set(name, bodies);
      const answer = async (body: string, response: Parameters<Loopback['handlers'][string]>[1]) => {
        const parsed = JSON.parse(body) as (typeof bodies)[number] & { stream?: boolean };
        bodies.push(parsed);
        const turn = turns[Math.min(bodies.length, turns.length) - 1]!;
        if (turn.waitMs !== undefined) await new Promise((resolve) => setTimeout(resolve, turn.waitMs));
        if (response.destroyed) return;
        if (turn.status !== undefined) {
          response.writeHead(turn.status, { 'content-type': 'application/json', 'retry-after-ms': '1' });
          response.end(JSON.stringify({ error: { message: `${name} is not well`, type: 'server', code: null } }));
        } else if (parsed.stream === true) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          for (const event of toEvents(turn, name)) response.write(event);
          if (turn.isCut === true) response.destroy();
          else response.end();
        } else {
          const message = { role: 'assistant', content: turn.text ?? null, tool_calls: toCalls(turn) };
          const choice = { index: 0, message, finish_reason: turn.tool === undefined ? 'stop' : 'tool_calls' };
          response.writeHead(200, { 'content-type': 'application/json' });
          const whole = { id: 'c', object: 'chat.completion', created: 1, model: name };
          response.end(JSON.stringify({ ...whole, choices: [choice], usage: toUsage(turn) }));
        }
      };
      loopback.handlers[`/${name}/v1/chat/completions`] = (_request, response, body) => {
        answer(body, response).catch(() => response.destroy());
      };
      return createOpenAI({ baseURL: `${loopback.origin}/${name}/v1`, apiKey: 'k' }).chat(name);
    },
  };
}
