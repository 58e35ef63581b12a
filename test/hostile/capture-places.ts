import { gzipSync } from 'node:zlib';
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { APICallError, embed, generateText, isStepCount, streamText, tool } from 'ai';
import { MockEmbeddingModelV4 } from 'ai/test';
import { z } from 'zod';
import { createAiSdkCapture, recordModel } from '../../src/capture/ai-sdk/index.ts';
import { recordingFetch } from '../../src/capture/fetch/index.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import type { Loopback } from '../playback/loopback.ts';
import { chatAnswer, chatBody, chatDelta, chatPath } from '../playback/loopback.ts';
import { createScriptedModel, say, scriptedUsage } from '../playback/scripted-model.ts';
import { collect, streamOf } from '../playback/streams.ts';
import type { Planter } from './secrets.ts';

/*
 * The same through the captures: what a program says to the AI SDK and to fetch, what a model and a server answer, and
 * what is thrown on the way.
 */

const line = { shape: 'line', charsMax: 512 } as const;
const url = { shape: 'url', charsMax: 512 } as const;

/** Whatever comes of it: the record is what counts. */
async function whatever(work: () => PromiseLike<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // The error was planted.
  }
}

function failure({ plant }: Planter, place: string): APICallError {
  return new APICallError({
    message: plant(`${place}.message`, { charsMax: 8192 }),
    url: `https://api.example.com/v1?note=${plant(`${place}.url`, url)}`,
    requestBodyValues: { asked: plant(`${place}.request`) },
    statusCode: 400,
    responseHeaders: { 'x-note': plant(`${place}.header`, line) },
    responseBody: JSON.stringify({ error: plant(`${place}.body`) }),
    cause: new Error(plant(`${place}.cause`, { charsMax: 8192 })),
  });
}

async function generate(recorder: Recorder, planter: Planter): Promise<void> {
  const { plant } = planter;
  const { integration } = createAiSdkCapture({ recorder });
  const lookup = tool({
    description: plant('ai.tool.description'),
    inputSchema: z.object({ q: z.string().describe(plant('ai.tool.schema')) }),
    execute: () => Promise.resolve({ out: plant('ai.tool.result') }),
  });
  const broken = tool({
    inputSchema: z.object({ q: z.string() }),
    execute: (): Promise<string> => Promise.reject(new Error(plant('ai.tool.error', { charsMax: 8192 }))),
  });
  const call = (name: string, id: string, place: string) => ({
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: name,
    input: JSON.stringify({ q: plant(place) }),
  });
  const model = createScriptedModel([
    {
      content: [
        { type: 'reasoning', text: plant('ai.answer.reasoning') },
        { type: 'text', text: plant('ai.answer.text') },
        {
          type: 'source',
          sourceType: 'url',
          id: 's',
          url: `https://h.example/?note=${plant('ai.answer.source', url)}`,
          title: plant('ai.answer.title'),
        },
        call('lookup', plant('ai.answer.call-id', { charsMax: 512 }), 'ai.answer.call'),
        call('broken', 'c2', 'ai.answer.broken-call'),
        call(plant('ai.answer.unknown-tool', { charsMax: 0 }), 'c3', 'ai.answer.unknown-call'),
      ],
      finish: 'tool-calls',
    },
    say(plant('ai.answer.last')),
  ]);
  await whatever(() =>
    generateText({
      model,
      system: plant('ai.system'),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: plant('ai.prompt') },
            { type: 'file', mediaType: 'text/plain', filename: plant('ai.filename'), data: Buffer.from('x') },
          ],
        },
      ],
      tools: { lookup, broken },
      stopWhen: isStepCount(2),
      stopSequences: [plant('ai.stop', { charsMax: 512 })],
      headers: { 'x-note': plant('ai.header', line) },
      providerOptions: { scripted: { note: plant('ai.provider-options') } },
      telemetry: { integrations: [integration], functionId: plant('ai.function-id', { charsMax: 512 }) },
    }),
  );
  await whatever(() =>
    generateText({
      model: createScriptedModel([{ error: failure(planter, 'ai.failure') }]),
      prompt: 'x',
      maxRetries: 0,
      telemetry: { integrations: [integration] },
    }),
  );
  await whatever(() =>
    generateText({
      model: recordModel(createScriptedModel([say(plant('ai.recorded.answer'))]), recorder),
      prompt: plant('ai.recorded.prompt'),
      telemetry: { isEnabled: false },
    }),
  );
  await whatever(() =>
    embed({
      model: new MockEmbeddingModelV4({ doEmbed: { embeddings: [[1, 2]], warnings: [] } }),
      value: plant('ai.embed'),
      telemetry: { integrations: [integration] },
    }),
  );
}

type Part = LanguageModelV4StreamPart;
const deltas = (
  type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta',
  id: string,
  pieces: readonly string[],
): Part[] => pieces.map((delta) => ({ type, id, delta }));

async function stream(recorder: Recorder, planter: Planter): Promise<void> {
  const { plant, split } = planter;
  const { integration } = createAiSdkCapture({ recorder });
  const begun: Part[] = [
    { type: 'stream-start', warnings: [{ type: 'other', message: plant('ai.stream.warning') }] },
    { type: 'reasoning-start', id: 'r' },
    ...deltas('reasoning-delta', 'r', split('ai.stream.reasoning', 3)),
    { type: 'reasoning-end', id: 'r' },
    { type: 'text-start', id: '0' },
    ...deltas('text-delta', '0', split('ai.stream.text', 4)),
  ];
  const ended: Part[] = [
    { type: 'text-end', id: '0' },
    { type: 'tool-input-start', id: 't', toolName: 'lookup' },
    ...deltas('tool-input-delta', 't', ['{"q":"', ...split('ai.stream.input', 3), '"}']),
    { type: 'tool-input-end', id: 't' },
    {
      type: 'finish',
      finishReason: { unified: 'stop', raw: plant('ai.stream.finish', { charsMax: 512 }) },
      usage: scriptedUsage,
    },
  ];
  const play = async (parts: readonly Part[], abortAfter = Infinity): Promise<void> =>
    whatever(async () => {
      const controller = new AbortController();
      const rest =
        abortAfter === Infinity
          ? streamOf(parts)
          : new ReadableStream<Part>({
              start: (source) => {
                for (const part of parts) source.enqueue(part);
              },
            });
      const result = streamText({
        model: createScriptedModel([{ stream: rest }]),
        prompt: 'x',
        abortSignal: controller.signal,
        onError: () => undefined,
        telemetry: { integrations: [integration] },
      });
      let seen = 0;
      for await (const part of result.stream)
        if (part.type === 'text-delta' && (seen += 1) >= abortAfter)
          controller.abort(new Error(plant('ai.stream.abort', { charsMax: 8192 })));
    });
  await play([...begun, ...ended]);
  await play([...begun, ...deltas('text-delta', '0', [' ', ...split('ai.stream.aborted', 3)])], 8);
  await play([...begun, { type: 'error', error: failure(planter, 'ai.stream.failure') }]);
}

const json = { 'content-type': 'application/json' };

/** Answers by path, each with a secret of its own. */
function answer({ handlers, origin }: Loopback, planter: Planter): void {
  const { plant, split } = planter;
  handlers[chatPath] = (_request, response) =>
    void response
      .writeHead(200, {
        ...json,
        'x-note': plant('fetch.answer.header', line),
        'x-request-id': plant('fetch.answer.request-id', line),
      })
      .end(chatAnswer(plant('fetch.answer')));
  handlers['/stream/v1/chat/completions'] = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chatDelta({ role: 'assistant', content: plant('fetch.sse.whole') }));
    for (const content of [' ', ...split('fetch.sse.split', 3), ' ']) response.write(chatDelta({ content }));
    for (const piece of split('fetch.sse.arguments', 3))
      response.write(chatDelta({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: piece } }] }));
    response.end(`${chatDelta({}, 'stop')}data: [DONE]\n\n`);
  };
  handlers['/cut/v1/chat/completions'] = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of [...split('fetch.sse.aborted', 3), ' ']) response.write(chatDelta({ content }));
    setTimeout(() => response.destroy(), 20);
  };
  handlers['/ndjson'] = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(`${JSON.stringify({ response: plant('fetch.ndjson') })}\n`);
    for (const piece of [' ', ...split('fetch.ndjson.split', 3)])
      response.write(`${JSON.stringify({ response: piece })}\n`);
    response.end();
  };
  handlers['/wrong'] = (_request, response) =>
    void response.writeHead(500, json).end(
      JSON.stringify({
        error: {
          message: plant('fetch.refusal'),
          type: plant('fetch.refusal.type', { charsMax: 512 }),
          code: plant('fetch.refusal.code', { charsMax: 512 }),
        },
      }),
    );
  handlers['/moved'] = (_request, response) =>
    void response.writeHead(302, { location: `${origin}/text?note=${plant('fetch.redirect', url)}` }).end();
  handlers['/text'] = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/plain' }).end(plant('fetch.text', { charsMax: 50_000 }));
  handlers['/gzip'] = (_request, response) =>
    void response
      .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
      .end(gzipSync(plant('fetch.gzip')));
  handlers['/large'] = (_request, response) =>
    void response
      .writeHead(200, { 'content-type': 'text/plain' })
      .end(`${plant('fetch.large', { charsMax: 50_000 })}${' and more'.repeat(8000)}`);
}

async function exchange(recorder: Recorder, planter: Planter, loopback: Loopback): Promise<void> {
  const { plant } = planter;
  const { origin } = loopback;
  const recorded = recordingFetch(recorder);
  answer(loopback, planter);
  const send = async (path: string, init?: RequestInit): Promise<void> =>
    whatever(
      async () => void (await (await recorded(path.startsWith('http') ? path : `${origin}${path}`, init)).text()),
    );
  const headers = {
    ...json,
    'x-note': plant('fetch.header', line),
    authorization: `Bearer ${plant('fetch.header.authorization', line)}`,
  };
  await send(`${chatPath}?note=${plant('fetch.url', url)}`, {
    method: 'POST',
    headers,
    body: chatBody(plant('fetch.body')),
  });
  await send(chatPath, {
    method: 'POST',
    headers: json,
    body: Buffer.from(chatBody(plant('fetch.body.bytes'), { user: plant('fetch.body.user') })),
  });
  await whatever(() =>
    recorded(
      new Request(`${origin}${chatPath}`, {
        method: 'POST',
        headers: json,
        body: chatBody(plant('fetch.request-object')),
      }),
    ),
  );
  await send('/stream/v1/chat/completions', { method: 'POST', headers: json, body: chatBody('x', { stream: true }) });
  await send('/cut/v1/chat/completions', { method: 'POST', headers: json, body: chatBody('x', { stream: true }) });
  await whatever(async () => {
    const controller = new AbortController();
    const response = await recorded(`${origin}/stream/v1/chat/completions`, {
      method: 'POST',
      headers: json,
      body: chatBody('y', { stream: true }),
      signal: controller.signal,
    });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort(new Error(plant('fetch.abort', { charsMax: 8192 })));
  });
  await send('/ndjson', { method: 'POST', headers: json, body: '{"stream":true}' });
  await send('/wrong', { method: 'POST', headers: json, body: chatBody('x') });
  await send('/moved');
  await send('/gzip');
  await send('/large');
  await send('/text', { method: 'POST', body: new URLSearchParams({ note: plant('fetch.form') }) });
  const form = new FormData();
  form.set('file', new Blob([plant('fetch.upload')]), plant('fetch.upload.name', { shape: 'line', charsMax: 512 }));
  await send('/text', { method: 'POST', body: form });
  await send('/text', {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: `--b\r\nContent-Disposition: form-data; name="f"; filename="${plant('fetch.multipart.name', { shape: 'word', charsMax: 0 })}"\r\n\r\n${plant('fetch.multipart')}\r\n--b--\r\n`,
  });
  await send(`/paths/${plant('fetch.path', { shape: 'path', charsMax: 0 })}/x`);
  await send(`http://127.0.0.1:1/?note=${plant('fetch.refused.url', url)}`);
  await whatever(() =>
    recordingFetch(recorder, () => Promise.reject(new Error(plant('fetch.thrown', { charsMax: 8192 }))))(`${origin}/x`),
  );
  // Thrown on purpose as what is no error.
  await whatever(() =>
    recordingFetch(recorder, () => Promise.reject(plant('fetch.thrown.text', { charsMax: 8192 }) as unknown as Error))(
      `${origin}/x`,
    ),
  );
}

/** Records through the captures with a secret wherever a program, a model or a server can put one. */
export async function captureEverywhere(recorder: Recorder, planter: Planter, loopback: Loopback): Promise<void> {
  await generate(recorder, planter);
  await stream(recorder, planter);
  await exchange(recorder, planter, loopback);
  await whatever(() =>
    recorder.run({ agentId: 'thrower' }, () =>
      Promise.reject(new Error(planter.plant('run.thrown', { charsMax: 8192 }))),
    ),
  );
  await collect(streamOf([]));
}
