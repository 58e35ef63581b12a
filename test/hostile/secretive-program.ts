import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import process from 'node:process';
import { generateText, isStepCount, tool } from 'ai';
import { z } from 'zod';
import { chatBody, chatPath } from '../playback/loopback.ts';
import { ask, createScriptedModel, say } from '../playback/scripted-model.ts';

/* A program that knows nothing of being recorded, and lets secrets slip wherever a program can. */
globalThis.AI_SDK_LOG_WARNINGS = false;
const texts = JSON.parse(readFileSync(process.env['SLIPS']!, 'utf8')) as Record<string, string>;
const origin = process.env['ORIGIN']!;
const slip = (place: string): string => texts[place]!;
const json = { 'content-type': 'application/json' };

async function whatever(work: () => PromiseLike<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // Slips end in errors, and the record is what counts.
  }
}

const send = (path: string, init: RequestInit): Promise<void> =>
  whatever(async () => (await fetch(`${origin}${path}`, init)).text());

function sendByHttp(path: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
  return new Promise((resolve) => {
    const sent = request(`${origin}${path}`, { method: 'POST', headers }, (response) => {
      response.resume();
      response.once('close', resolve);
    });
    sent.once('error', () => resolve());
    sent.end(body);
  });
}

async function callTools(): Promise<void> {
  const name = slip('tool-name');
  const thrown = [
    slip('thrown.text'),
    { message: slip('thrown.object') },
    new Map([['note', slip('thrown.map')]]),
    new AggregateError([new Error(slip('thrown.aggregate.part'))], slip('thrown.aggregate')),
    Object.create(null, { message: { value: slip('thrown.bare'), enumerable: true } }),
  ];
  for (const what of thrown) {
    const broken = tool({ inputSchema: z.object({}), execute: (): Promise<string> => Promise.reject(what as Error) });
    const model = createScriptedModel([ask({ id: 'c1', tool: name, input: {} }), say(slip('answer'))]);
    await whatever(() =>
      generateText({ model, prompt: slip('prompt'), tools: { [name]: broken }, stopWhen: isStepCount(2) }),
    );
  }
  // Telemetry whose fields cannot be read: what the capture complains of must not repeat what was thrown.
  const unreadable = {
    get recordInputs(): boolean {
      throw new Error(slip('getter'));
    },
  };
  await whatever(() =>
    generateText({ model: createScriptedModel([say('x')]), prompt: 'x', telemetry: unreadable as never }),
  );
  await whatever(() =>
    generateText({
      model: createScriptedModel([
        {
          content: [
            {
              type: 'text',
              get text(): string {
                throw new Error(slip('getter.answer'));
              },
            },
          ],
        },
      ]),
      prompt: 'x',
    }),
  );
}

const bearer = { ...json, [slip('header-name')]: 'x', 'x-note': slip('header') };
await send(`${chatPath}?note=${slip('url')}`, { method: 'POST', headers: bearer, body: chatBody(slip('body')) });
await send('/moved/v1/chat/completions', { method: 'POST', headers: json, body: chatBody('x') });
const form = new FormData();
form.set('model', 'whisper-1');
form.set('file', new Blob([slip('upload')], { type: 'audio/mpeg' }), slip('upload-name'));
await send('/v1/audio/transcriptions', { method: 'POST', body: form });
const multipart = `--b\r\nContent-Disposition: form-data; name="file"; filename="${slip('multipart-name')}"\r\n\r\n${slip('multipart')}\r\n--b--\r\n`;
await send('/v1/audio/transcriptions', {
  method: 'POST',
  headers: { 'content-type': 'multipart/form-data; boundary=b' },
  body: multipart,
});
await sendByHttp(
  `${chatPath}?note=${slip('http.url')}`,
  { ...json, 'x-note': slip('http.header') },
  chatBody(slip('http.body')),
);
await sendByHttp('/stream/v1/chat/completions', json, chatBody('x', { stream: true }));
await sendByHttp('/moved/v1/chat/completions', json, chatBody('x'));
await callTools();
