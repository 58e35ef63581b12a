import { createOpenAI } from '@ai-sdk/openai';
import type { Agent } from '@mastra/core/agent';
import type { MastraModelConfig } from '@mastra/core/llm';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { Observability } from '@mastra/observability';
import process from 'node:process';
import type { Loopback } from '../../../test/playback/loopback.ts';
import { openLoopback, recordHttp } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import type { FoldedRun } from '../../core/import/fold.ts';
import { tachographConfig } from './index.ts';

// Mastra counts what is used of it, over the network, unless told not to.
process.env['MASTRA_TELEMETRY_DISABLED'] = '1';

/** What a scripted model says to one request. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly args: object }[];
  readonly status?: number;
  /** The stream stays open after its words, until the client leaves. */
  readonly hangs?: boolean;
}

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly unknown[];
}

const usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40 },
  completion_tokens_details: { reasoning_tokens: 5 },
};

/** Scripted models behind one real server on loopback, in OpenAI's chat format. */
export interface ModelServer {
  readonly origin: string;
  /** Bodies as they came, in order. */
  readonly asked: Asked[];
  /** A model that answers by its script; the last turn is repeated. */
  model(name: string, ...turns: readonly Turn[]): MastraModelConfig;
  close(): void;
}

function toCalls(turn: Turn, id: string): object[] | undefined {
  return turn.calls?.map(({ name, args }, index) => ({
    id: `call-${id}-${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  }));
}

function writeStream(response: Parameters<Loopback['handlers'][string]>[1], turn: Turn, id: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
  const chunk = (fields: object): void =>
    void response.write(
      `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', model: 'served', ...fields })}\n\n`,
    );
  const delta = (given: object, finish: string | null = null): void =>
    chunk({ choices: [{ index: 0, delta: given, finish_reason: finish }] });
  for (const word of (turn.text ?? '').split(/(?<= )/)) if (word !== '') delta({ content: word });
  if (turn.hangs === true) return;
  const calls = toCalls(turn, id);
  if (calls !== undefined) delta({ tool_calls: calls.map((call, index) => ({ index, ...call })) });
  delta({}, calls === undefined ? 'stop' : 'tool_calls');
  chunk({ choices: [], usage });
  response.end('data: [DONE]\n\n');
}

/** Starts the server. */
export async function openModelServer(): Promise<ModelServer> {
  const loopback = await openLoopback();
  const scripts = new Map<string, { turns: readonly Turn[]; count: number }>();
  const asked: Asked[] = [];
  loopback.handlers['/v1/chat/completions'] = (_request, response, body) => {
    const parsed = JSON.parse(body) as Asked;
    asked.push(parsed);
    const script = scripts.get(parsed.model)!;
    const turn = script.turns[Math.min(script.count, script.turns.length - 1)]!;
    script.count += 1;
    const id = `${parsed.model}-${script.count}`;
    if (turn.status !== undefined) {
      response.writeHead(turn.status, {
        'content-type': 'application/json',
        'retry-after-ms': '1',
        connection: 'close',
      });
      response.end(JSON.stringify({ error: { message: 'the model is not well', type: 'server', code: null } }));
    } else if (parsed.stream === true) writeStream(response, turn, id);
    else {
      const calls = toCalls(turn, id);
      const message = {
        role: 'assistant',
        content: turn.text ?? null,
        ...(calls === undefined ? {} : { tool_calls: calls }),
      };
      const choice = { index: 0, message, finish_reason: calls === undefined ? 'stop' : 'tool_calls' };
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      response.end(
        JSON.stringify({ id, object: 'chat.completion', created: 1, model: 'served', choices: [choice], usage }),
      );
    }
  };
  return {
    origin: loopback.origin,
    asked,
    close: loopback.close,
    model(name, ...turns) {
      scripts.set(name, { turns, count: 0 });
      const model: unknown = createOpenAI({ baseURL: `${loopback.origin}/v1`, apiKey: 'sk-hidden-key-000000' }).chat(
        name,
      );
      // Mastra's types come with a copy of the provider layer's of their own.
      return model as MastraModelConfig;
    },
  };
}

/** A Mastra on a recording in memory, HTTP recorded as well. */
export interface MastraWorld {
  readonly recording: Recording;
  readonly mastra: Mastra;
  /** The run of an agent or workflow; fails when there is not exactly one. */
  runOf(agentId: string): FoldedRun;
  runsOf(agentId: string): readonly FoldedRun[];
  stop(): Promise<void>;
}

/** What a world is made of. */
export interface WorldParts {
  readonly agents?: Record<string, Agent>;
  readonly workflows?: Record<string, never> | object;
  /** The entry of `configs`; by default what `tachographConfig` gives. */
  readonly config?: (recording: Recording) => object;
}

/** Makes one. Without `http`, exchanges are not recorded. */
export function createMastraWorld(parts: WorldParts, { http = true } = {}): MastraWorld {
  const { recording, stop } = recordHttp(http ? ['fetch'] : []);
  const config = parts.config?.(recording) ?? tachographConfig(recording.recorder, { onError: complain });
  function complain(error: unknown): void {
    (recording.complaints as unknown[]).push(error);
  }
  const mastra = new Mastra({
    agents: parts.agents ?? {},
    ...(parts.workflows === undefined ? {} : { workflows: parts.workflows as never }),
    storage: new InMemoryStore(),
    logger: false,
    observability: new Observability({ configs: { test: config as never } }),
  });
  const runsOf = (agentId: string): readonly FoldedRun[] =>
    recording.runs().filter(({ run }) => run.agentId === agentId);
  return {
    recording,
    mastra,
    runsOf,
    runOf(agentId) {
      const runs = runsOf(agentId);
      if (runs.length !== 1) throw new Error(`expected one run of ${agentId}, there are ${runs.length}`);
      return runs[0]!;
    },
    async stop() {
      stop();
      await mastra.shutdown();
      await recording.recorder.close();
    },
  };
}
