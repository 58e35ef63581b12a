import type { ServerResponse } from 'node:http';
import { request } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { chatAnswer, chatDelta, chatPath, until } from '../../../test/playback/loopback.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { recordModel } from '../../capture/ai-sdk/index.ts';
import { anthropicMiddleware } from '../../capture/anthropic/index.ts';
import { createFetchCapture } from '../../capture/fetch/index.ts';
import { openaiFetch } from '../../capture/openai/index.ts';
import { ask, clientsOf, codeOf, openStage, type Stage } from './gate-stage.fixture.ts';
import { createStopWatch } from './stop-watch.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const { origin, handlers, undo } = await openHttpStage();
const { openai, sdk } = clientsOf(origin);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('the watch for the emergency stop', () => {
  test('asks only while a call is out, once for all of a project, and tells each of them once', async () => {
    const asked: string[] = [];
    let isStopped = false;
    const ledger = {
      stops: async (projectId: string) => {
        asked.push(projectId);
        return { platform: false, project: isStopped && projectId === 'shop' };
      },
    };
    const { watch } = createStopWatch(ledger, 5);
    await pause(20);
    expect(asked).toEqual([]);
    const told: string[] = [];
    const leave = watch('shop', () => void told.push('left'));
    watch('shop', () => void told.push('shop 1'));
    watch('shop', () => void told.push('shop 2'));
    const leaveOther = watch('other', () => void told.push('other'));
    await until(() => asked.length >= 4);
    leave();
    isStopped = true;
    await until(() => told.length === 2);
    expect(told).toEqual(['shop 1', 'shop 2']);
    leaveOther();
    await pause(30);
    const before = asked.length;
    await pause(30);
    expect(asked.length).toBe(before);
    expect(told.length).toBe(2);
  });

  test('goes on while the ledger is away', async () => {
    let tries = 0;
    const ledger = {
      stops: async () => {
        tries += 1;
        if (tries < 4) throw new Error('away');
        return { platform: true, project: false };
      },
    };
    let isTold = false;
    createStopWatch(ledger, 2).watch('shop', () => (isTold = true));
    await until(() => isTold);
    expect(tries).toBe(4);
  });
});

/** The provider's side of a call that never ends by itself. */
interface Silence {
  isAsked: boolean;
  isClosed: boolean;
}

/** Answers `first`, if anything, and then nothing until the client leaves. */
function fallSilent(first: string | null): Silence {
  const silence: Silence = { isAsked: false, isClosed: false };
  handlers[chatPath] = handlers['/v1/messages'] = (_request, response: ServerResponse) => {
    response.on('close', () => (silence.isClosed = true));
    if (first !== null) response.writeHead(200, { 'content-type': 'text/event-stream' }).write(first);
    silence.isAsked = true;
  };
  return silence;
}

const capture = (stage: Stage) =>
  undo.push(createFetchCapture({ recorder: stage.recorder, hostList: '127.0.0.1:*' }).install());

/** Calls that wait for their provider, by who makes them. */
const calls: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'the OpenAI client': ({ recorder }) => openai(openaiFetch(recorder)).chat.completions.create(ask),
  'a stream of the OpenAI client': async ({ recorder }) => {
    for await (const _chunk of await openai(openaiFetch(recorder)).chat.completions.create({ ...ask, stream: true }))
      continue;
  },
  'the Anthropic client': ({ recorder }) =>
    new Anthropic({
      ...{ baseURL: origin, apiKey: 'sk-hidden', maxRetries: 0 },
      middleware: [anthropicMiddleware(recorder)] as never,
    }).messages.create({ model: 'claude-9', max_tokens: 60, messages: ask.messages }),
  'a model of the AI SDK': ({ recorder }) =>
    generateText({ model: recordModel(sdk().chat('gpt-9'), recorder), prompt: 'Tell me.', maxRetries: 0 }),
  'a stream of the AI SDK': async ({ recorder }) => {
    const model = recordModel(sdk().chat('gpt-9'), recorder);
    const { stream } = streamText({ model, prompt: 'Tell me.', maxRetries: 0, onError: () => undefined });
    for await (const part of stream) if (part.type === 'error') throw part.error;
  },
  'a model of the AI SDK, the wire recorded below': (stage) => {
    capture(stage);
    return generateText({ model: recordModel(sdk().chat('gpt-9'), stage.recorder), prompt: 'Tell me.', maxRetries: 0 });
  },
  'node:http, which can only be watched': (stage) => {
    capture(stage);
    return new Promise<never>((_resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(origin + chatPath, { method: 'POST', headers }, (answer) => {
        answer.on('error', reject).resume();
      });
      sent.on('error', reject).end(JSON.stringify(ask));
    });
  },
};

describe('an emergency stop while a call is out', () => {
  for (const [name, call] of Object.entries(calls))
    for (const first of [null, chatDelta({ content: 'walrus ' })])
      test(`cuts off ${name}, ${first === null ? 'not answered yet' : 'silent after its first words'}`, async () => {
        const stage = await openStage({ tokensMax: 100_000 });
        const silence = fallSilent(first);
        const code = codeOf(() => stage.run.within(() => call(stage)));
        await until(() => silence.isAsked);
        await pause(50);
        expect(silence.isClosed).toBe(false);
        await stage.ledger.setStop('shop', true);
        expect(await code).toBe('E-BUDGET-003');
        await until(() => silence.isClosed);
        await stage.gate.close();
        expect((await stage.entries()).map((entry) => entry.split(' ')[0])).toEqual(['reserve', 'settle']);
        expect(stage.errors).toEqual([]);
      });

  test('lets go once it is taken back', async () => {
    const stage = await openStage({ tokensMax: 100_000 });
    const client = openai(openaiFetch(stage.recorder));
    const create = () => stage.run.within(() => client.chat.completions.create(ask));
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    await stage.ledger.setStop('shop', true);
    expect(await codeOf(create)).toBe('E-BUDGET-003');
    await stage.ledger.setStop('shop', false);
    expect(await codeOf(create)).toBeUndefined();
    await stage.gate.close();
  });
});
