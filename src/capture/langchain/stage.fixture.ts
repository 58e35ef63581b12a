import type { ServerResponse } from 'node:http';
import { ChatOpenAI } from '@langchain/openai';
import { afterAll } from 'vitest';
import type { FoldedRun } from '../../core/import/fold.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { StepView } from '../../core/model/step.ts';
import { createFetchCapture } from '../fetch/index.ts';
import { chatPath, openLoopback } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import type { LangChainHandler, LangChainOptions } from './index.ts';
import { tachographHandler } from './index.ts';

/** A request as the scripted provider sees it. */
export interface Asked {
  readonly number: number;
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { role: string; content: unknown; tool_call_id?: string }[];
  readonly tools?: readonly { function: { name: string } }[];
}

/** What the scripted provider answers. */
export interface Said {
  readonly words?: string;
  readonly call?: { readonly name: string; readonly args: object };
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly usage?: object | null;
  /** Sends this many pieces of a stream and then nothing more, with the connection open. */
  readonly stallAfter?: number;
  /** Sends this many pieces of a stream and cuts the connection. */
  readonly cutAfter?: number;
  readonly delayMs?: number;
}

/** How many tokens a scripted answer says it used. */
export const spent = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 60 },
  completion_tokens_details: { reasoning_tokens: 8 },
};

function toMessage({ words = 'fine', call }: Said, number: number): object {
  if (call === undefined) return { role: 'assistant', content: words };
  const fn = { name: call.name, arguments: JSON.stringify(call.args) };
  return { role: 'assistant', content: null, tool_calls: [{ id: `call_${number}`, type: 'function', function: fn }] };
}

function sendWhole(response: ServerResponse, asked: Asked, said: Said): void {
  const choices = [
    {
      index: 0,
      message: toMessage(said, asked.number),
      finish_reason: said.call === undefined ? 'stop' : 'tool_calls',
    },
  ];
  const usage = said.usage === null ? {} : { usage: said.usage ?? spent };
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      id: `answer-${asked.number}`,
      object: 'chat.completion',
      model: `${asked.model}-served`,
      choices,
      ...usage,
    }),
  );
}

function toDeltas({ words = 'fine', call }: Said, number: number): readonly object[] {
  if (call === undefined) return words.split(/(?<= )/).map((content) => ({ content }));
  const text = JSON.stringify(call.args);
  const fn = { name: call.name, arguments: text.slice(0, 4) };
  return [
    { tool_calls: [{ index: 0, id: `call_${number}`, type: 'function', function: fn }] },
    { tool_calls: [{ index: 0, function: { arguments: text.slice(4) } }] },
  ];
}

function sendStream(response: ServerResponse, asked: Asked, said: Said): void {
  const write = (rest: object): void => {
    const event = {
      id: `answer-${asked.number}`,
      object: 'chat.completion.chunk',
      model: `${asked.model}-served`,
      ...rest,
    };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  response.setHeader('content-type', 'text/event-stream');
  const deltas = toDeltas(said, asked.number);
  for (const [at, delta] of deltas.slice(0, said.stallAfter ?? said.cutAfter ?? deltas.length).entries())
    write({ choices: [{ index: 0, delta: at === 0 ? { role: 'assistant', ...delta } : delta, finish_reason: null }] });
  if (said.stallAfter !== undefined) return;
  // Without a turn of the loop the cut would overtake what was written before it.
  if (said.cutAfter !== undefined) return void setTimeout(() => response.destroy(), 20);
  write({ choices: [{ index: 0, delta: {}, finish_reason: said.call === undefined ? 'stop' : 'tool_calls' }] });
  if (said.usage !== null) write({ choices: [], usage: said.usage ?? spent });
  response.end('data: [DONE]\n\n');
}

function send(response: ServerResponse, asked: Asked, said: Said): void {
  response.statusCode = said.status ?? 200;
  for (const [name, value] of Object.entries(said.headers ?? {})) response.setHeader(name, value);
  if (response.statusCode >= 400) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ error: { message: said.words ?? 'refused', type: 'test' } }));
  } else if (asked.stream === true) sendStream(response, asked, said);
  else sendWhole(response, asked, said);
}

/** What a test about LangChain works with. */
export interface LangChainStage {
  readonly recording: Recording;
  readonly handler: LangChainHandler;
  /** A model of the scripted provider. */
  model(more?: object): ChatOpenAI;
  readonly undo: (() => void)[];
}

/** A stage for the top of a test file, with a server of its own. */
export async function openLangChainStage(): Promise<{
  record(answer: (asked: Asked) => Said, options?: LangChainOptions): LangChainStage;
}> {
  const { origin, handlers, close } = await openLoopback();
  afterAll(close);
  const undo = createUndoList();
  return {
    record(answer, options) {
      let number = 0;
      handlers[chatPath] = (_request, response, body) => {
        const asked = { ...(JSON.parse(body) as Asked), number: (number += 1) };
        const said = answer(asked);
        if (said.delayMs === undefined) send(response, asked, said);
        else setTimeout(() => send(response, asked, said), said.delayMs);
      };
      const recording = createRecording();
      const complain = (error: unknown): void => void (recording.complaints as unknown[]).push(error);
      const fetchCapture = createFetchCapture({
        recorder: recording.recorder,
        hostList: '127.0.0.1:*',
        onError: complain,
      });
      undo.push(fetchCapture.install());
      return {
        recording,
        handler: tachographHandler(recording.recorder, { onError: complain, ...options }),
        model: (more = {}) =>
          new ChatOpenAI({
            model: 'gpt-9',
            apiKey: 'sk-hidden-key-000000',
            configuration: { baseURL: `${origin}/v1` },
            ...more,
          }),
        undo,
      };
    },
  };
}

/** Steps of one kind. */
export function ofKind(run: FoldedRun, kind: StepView['kind']): readonly StepView[] {
  return run.steps.filter((step) => step.kind === kind);
}

/** The attempts of a step. */
export function attemptsOf(run: FoldedRun, step: StepView): readonly AttemptView[] {
  return run.attempts.filter(({ stepId }) => stepId === step.id);
}

/** The run of an agent; fails when there is another number of them. */
export function runOf(runs: readonly FoldedRun[], agentId: string): FoldedRun {
  const found = runs.filter(({ run }) => run.agentId === agentId);
  if (found.length !== 1) throw new Error(`expected one run of ${agentId}, the journal has ${found.length}`);
  return found[0]!;
}
