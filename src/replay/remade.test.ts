import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { isStepCount, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isSettled, until } from '../../test/playback/loopback.ts';
import type { Recording } from '../../test/playback/recording.ts';
import { openHttpStage } from '../../test/playback/stage.ts';
import { createAiSdkCapture } from '../capture/ai-sdk/index.ts';
import type { HttpReplay, RecordedRun } from './index.ts';
import { createHttpReplay, entriesToRun } from './index.ts';

// Answers whose streams are longer than what the recorder keeps of a body, read by the providers' own clients: what a
// program gets in a replay is what it got before, and what it sends next is what it sent before.

globalThis.AI_SDK_LOG_WARNINGS = false;

const { origin, handlers, capture, undo } = await openHttpStage();

const words = (name: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${name}${at} `);
const long = words('word', 900);
const thoughts = words('thought', 40);
const args = JSON.stringify({ q: 'lamp' });
const tools = {
  look: tool({ inputSchema: z.object({ q: z.string() }), execute: async ({ q }) => ({ q, stock: 3 }) }),
};

interface Format {
  readonly path: string;
  /** Streams: a long one that thinks, speaks and asks for a tool, and a short one. `isDeep`: cut while it thinks. */
  readonly first: (isDeep: boolean) => string;
  readonly second: string;
  readonly clients: Readonly<Record<string, () => Promise<unknown>>>;
}

const named = (events: readonly { readonly type: string }[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

/** What a program on the AI SDK gets out of an agent's two steps. */
async function askBySdk(model: unknown): Promise<unknown> {
  const result = streamText({
    model: model as never,
    prompt: 'Stock?',
    tools,
    stopWhen: isStepCount(3),
    maxRetries: 0,
  });
  const steps = await result.steps;
  return steps.map(({ text, reasoningText, finishReason, usage, toolCalls, response }) => ({
    ...{ text, reasoningText, finishReason, usage, id: response.id },
    calls: toolCalls.map(({ toolName, input }) => ({ toolName, input })),
  }));
}

function messagesFormat(): Format {
  const start = (id: string) => ({
    type: 'message_start',
    message: {
      ...{ id, type: 'message', role: 'assistant', model: 'claude-9', content: [], stop_reason: null },
      ...{ stop_sequence: null, usage: { input_tokens: 7, cache_read_input_tokens: 2, output_tokens: 1 } },
    },
  });
  const block = (index: number, content_block: object, deltas: readonly object[]) => [
    { type: 'content_block_start', index, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
  const end = (stop_reason: string, output_tokens: number) => [
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } },
    { type: 'message_stop' },
  ];
  const text = (pieces: readonly string[]) => pieces.map((one) => ({ type: 'text_delta', text: one }));
  const first = (isDeep: boolean): string =>
    named([
      start('msg_1'),
      ...block(0, { type: 'thinking', thinking: '', signature: '' }, [
        ...(isDeep ? long : thoughts).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: 'c2lnbmVkIGJ5IG5vYm9keQ' },
      ]),
      ...block(1, { type: 'text', text: '' }, text(long)),
      ...block(2, { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }, [
        { type: 'input_json_delta', partial_json: args.slice(0, 4) },
        { type: 'input_json_delta', partial_json: args.slice(4) },
      ]),
      ...end('tool_use', 950),
    ]);
  const second = named([
    start('msg_2'),
    ...block(0, { type: 'text', text: '' }, text(['Three.'])),
    ...end('end_turn', 2),
  ]);
  const byClient = async (): Promise<unknown> => {
    const client = new Anthropic({ baseURL: origin, apiKey: 'k', maxRetries: 0 });
    const input_schema = { type: 'object' as const };
    const ask = (messages: Anthropic.MessageParam[]) =>
      client.messages
        .stream({ model: 'claude-9', max_tokens: 9000, messages, tools: [{ name: 'look', input_schema }] })
        .finalMessage();
    const told: Anthropic.MessageParam[] = [{ role: 'user', content: 'Stock?' }];
    const asked = await ask(told);
    const result: Anthropic.MessageParam = {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '3' }],
    };
    return [asked, await ask([...told, { role: 'assistant', content: asked.content }, result])];
  };
  const bySdk = () => askBySdk(createAnthropic({ baseURL: `${origin}/v1`, apiKey: 'k' })('claude-9'));
  return { path: '/v1/messages', first, second, clients: { 'its own client': byClient, 'the AI SDK': bySdk } };
}

function responsesFormat(): Format {
  const response = (id: string, more: object = {}) => ({
    ...{ id, object: 'response', created_at: 7, model: 'gpt-9', status: 'in_progress', output: [] },
    ...{ error: null, incomplete_details: null, parallel_tool_calls: true, tools: [], ...more },
  });
  const usage = {
    ...{ input_tokens: 9, output_tokens: 950, total_tokens: 959 },
    ...{ input_tokens_details: { cached_tokens: 3 }, output_tokens_details: { reasoning_tokens: 40 } },
  };
  const item = (output_index: number, done: { readonly id: string }, empty: object, within: readonly object[]) => [
    { type: 'response.output_item.added', output_index, item: { ...done, ...empty } },
    ...within.map((event) => ({ type: '', output_index, item_id: done.id, ...event })),
    { type: 'response.output_item.done', output_index, item: done },
  ];
  const message = (at: number, id: string, pieces: readonly string[]) => {
    const part = { type: 'output_text', annotations: [], logprobs: [], text: pieces.join('') };
    const done = { id, type: 'message', status: 'completed', role: 'assistant', content: [part] };
    const events = item(at, done, { content: [] }, [
      { type: 'response.content_part.added', content_index: 0, part: { ...part, text: '' } },
      ...pieces.map((delta) => ({ type: 'response.output_text.delta', content_index: 0, delta, logprobs: [] })),
      { type: 'response.output_text.done', content_index: 0, text: part.text, logprobs: [] },
      { type: 'response.content_part.done', content_index: 0, part },
    ]);
    return { done, events };
  };
  const reasoning = (at: number, pieces: readonly string[]) => {
    const part = { type: 'summary_text', text: pieces.join('') };
    const done = { id: 'rs_1', type: 'reasoning', summary: [part], encrypted_content: 'c2VhbGVkIGJ5IG5vYm9keQ' };
    const events = item(at, done, { summary: [] }, [
      { type: 'response.reasoning_summary_part.added', summary_index: 0, part: { ...part, text: '' } },
      ...pieces.map((delta) => ({ type: 'response.reasoning_summary_text.delta', summary_index: 0, delta })),
      { type: 'response.reasoning_summary_text.done', summary_index: 0, text: part.text },
      { type: 'response.reasoning_summary_part.done', summary_index: 0, part },
    ]);
    return { done, events };
  };
  const call = (at: number) => {
    const done = {
      id: 'fc_1',
      type: 'function_call',
      status: 'completed',
      name: 'look',
      call_id: 'call_1',
      arguments: args,
    };
    const events = item(at, done, { arguments: '', status: 'in_progress' }, [
      { type: 'response.function_call_arguments.delta', delta: args },
      { type: 'response.function_call_arguments.done', name: 'look', arguments: args },
    ]);
    return { done, events };
  };
  const stream = (id: string, items: readonly { readonly done: object; readonly events: { type: string }[] }[]) =>
    named(
      [
        { type: 'response.created', response: response(id) },
        ...items.flatMap(({ events }) => events),
        {
          type: 'response.completed',
          response: response(id, { status: 'completed', output: items.map(({ done }) => done), usage }),
        },
      ].map((event, sequence_number) => ({ ...event, sequence_number })),
    );
  const byClient = async (): Promise<unknown> => {
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'k', maxRetries: 0 });
    const look = { type: 'function' as const, name: 'look', parameters: {}, strict: false };
    const ask = async (input: OpenAI.Responses.ResponseInput) => {
      const {
        output,
        usage: spent,
        output_text,
      } = await client.responses.stream({ model: 'gpt-9', input, tools: [look], store: false }).finalResponse();
      return { output, spent, output_text };
    };
    const told: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Stock?' }];
    const asked = await ask(told);
    const call_output = { type: 'function_call_output' as const, call_id: 'call_1', output: '3' };
    return [asked, await ask([...told, ...(asked.output as OpenAI.Responses.ResponseInput), call_output])];
  };
  return {
    path: '/v1/responses',
    first: (isDeep) => stream('resp_1', [reasoning(0, isDeep ? long : thoughts), message(1, 'msg_1', long), call(2)]),
    second: stream('resp_2', [message(0, 'msg_2', ['Three.'])]),
    clients: {
      'its own client': byClient,
      'the AI SDK': () => askBySdk(createOpenAI({ baseURL: `${origin}/v1`, apiKey: 'k' }).responses('gpt-9')),
    },
  };
}

function googleFormat(): Format {
  const stream = (id: string, parts: readonly object[]): string =>
    parts
      .map((part, at) => ({
        candidates: [
          {
            ...{ content: { parts: [part], role: 'model' }, index: 0 },
            ...(at === parts.length - 1 ? { finishReason: 'STOP' } : {}),
          },
        ],
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount: at, totalTokenCount: 9 + at },
        ...{ modelVersion: 'gemini-9', responseId: id },
      }))
      .map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`)
      .join('');
  return {
    path: '/v1beta/models/gemini-9:streamGenerateContent',
    first: (isDeep) =>
      stream('r1', [
        ...(isDeep ? long : thoughts).map((text) => ({ text, thought: true })),
        ...long.map((text) => ({ text })),
        { functionCall: { name: 'look', args: { q: 'lamp' } }, thoughtSignature: 'c2lnbmVk' },
      ]),
    second: stream('r2', [{ text: 'Three.' }]),
    clients: {
      'the AI SDK': () => askBySdk(createGoogle({ baseURL: `${origin}/v1beta`, apiKey: 'k' })('gemini-9')),
    },
  };
}

/** Answers as the provider does. */
function serveLive({ path, first, second }: Format, isDeep: boolean): void {
  let turn = 0;
  handlers[path] = (_request, response) => {
    turn += 1;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(turn === 1 ? first(isDeep) : second);
  };
}

/** Answers as the recording does. */
function serveReplay({ path }: Format, replay: HttpReplay): void {
  handlers[path] = (request, response, body) => {
    const asked = { method: request.method!, url: origin + request.url!, contentType: 'application/json', body };
    replay.answer(asked).then(
      (answer) => {
        if (answer.kind === 'answer') response.writeHead(answer.status, answer.headers).end(answer.body);
        else response.destroy();
      },
      (error: Error) =>
        response.writeHead(400).end(JSON.stringify({ error: { type: 'replay', message: error.message } })),
    );
  };
}

function runsOf(recording: Recording): readonly RecordedRun[] {
  const { entries } = recording.journal;
  return recording.runs().map(({ run }) => {
    const isOwn = (entry: (typeof entries)[number]): boolean => entry.event.header.runId === run.id;
    return entriesToRun('default', [...entries.filter(isOwn), ...entries.filter((entry) => !isOwn(entry))]);
  });
}

const formats = { 'Anthropic messages': messagesFormat, 'OpenAI responses': responsesFormat, Google: googleFormat };
const cases = Object.entries(formats).flatMap(([name, make]) =>
  Object.keys(make().clients).flatMap((client) => [
    { name, client, make, isDeep: false, where: 'while it speaks' },
    { name, client, make, isDeep: true, where: 'while it thinks' },
  ]),
);

describe('a stream longer than the recorder keeps', () => {
  test.each(cases)('of $name, by $client, cut $where', async ({ client, make, isDeep }) => {
    const format = make();
    serveLive(format, isDeep);
    const recording = capture();
    if (client === 'the AI SDK') undo.push(createAiSdkCapture({ recorder: recording.recorder }).install());
    const before = await format.clients[client]!();
    await until(isSettled(recording));
    undo.splice(0).forEach((one) => one());
    const runs = runsOf(recording);
    const bodies = runs.flatMap(({ attempts }) => attempts.map(({ responseBody }) => responseBody?.truncated));
    expect(bodies).toEqual([true, false]);
    const replay = createHttpReplay(runs);
    serveReplay(format, replay);
    expect(await format.clients[client]!()).toEqual(before);
    expect(replay.verdict()).toBeNull();
    expect(replay.remade).toBe(1);
  });
});
