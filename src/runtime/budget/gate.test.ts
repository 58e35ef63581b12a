import { request } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { embed, generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { chatAnswer, chatPath, openLoopback, until } from '../../../test/playback/loopback.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { createAiSdkCapture, recordModel } from '../../capture/ai-sdk/index.ts';
import { anthropicMiddleware } from '../../capture/anthropic/index.ts';
import { createFetchCapture, recordingFetch } from '../../capture/fetch/index.ts';
import { openaiFetch } from '../../capture/openai/index.ts';
import { TachographError } from '../../core/error.ts';
import { ask, clientsOf, codeOf, type Flow, openStage, type Stage, streamForEver } from './gate-stage.fixture.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const { origin, handlers, undo } = await openHttpStage();
const { openai, sdk } = clientsOf(origin);

/** The last word of the record about a reservation: what it counts. */
function lastTold(stage: Stage): unknown {
  return JSON.parse(stage.events.at(-1)!.event.header.facts!);
}

describe('a governed run with a budget, through the clients of providers', () => {
  test('openai: a stream that passes its reservation is cut off within a second, and the ledger balances', async () => {
    const stage = await openStage({ tokensMax: 10_000 }, { outputTokensDefault: 100 });
    let flow: Flow | null = null;
    handlers[chatPath] = (_request, response) => void (flow = streamForEver(response));
    const client = openai(openaiFetch(stage.recorder));
    let words = 0;
    const code = await codeOf(() =>
      stage.run.within(async () => {
        for await (const chunk of await client.chat.completions.create({ ...ask, stream: true }))
          words += chunk.choices[0]?.delta.content?.split(' ').length ?? 0;
      }),
    );
    expect(code).toBe('E-BUDGET-004');
    await until(() => flow!.isClosed);
    // 100 tokens are 34 writes of 12 bytes: 170 ms; the rest is the time until the cut.
    expect(flow!.words).toBeGreaterThan(30);
    expect(flow!.words).toBeLessThan(235);
    expect(words).toBeGreaterThan(30);
    await stage.gate.close();
    const [reserved, settled] = await stage.entries();
    const { tokens, nanoUsd } = await stage.used();
    expect(reserved).toMatch(/^reserve 1\d\d$/);
    expect(settled).toMatch(/^settle \d+$/);
    expect(tokens).toBeGreaterThan(100);
    expect(nanoUsd).toBeGreaterThan(100 * 10_000);
    expect(lastTold(stage)).toMatchObject({ kind: 'settle', tokens, nanoUsd });
    expect(stage.events.map(({ event }) => event.header.type)).toEqual(['budget-entry', 'budget-entry']);
    expect(stage.errors).toEqual([]);
  });

  test('openai: a call without room does not leave, and its step says why', async () => {
    const stage = await openStage({ nanoUsdMax: 1_000_000 });
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    };
    const client = openai(openaiFetch(stage.recorder));
    const create = (more: object) => () => stage.run.within(() => client.chat.completions.create({ ...ask, ...more }));
    expect(await codeOf(create({}))).toBe('E-BUDGET-004');
    expect(await codeOf(create({ max_completion_tokens: 50 }))).toBeUndefined();
    expect(requests).toBe(1);
    await stage.gate.close();
    // 9 in, 3 out, as the provider told.
    expect(await stage.used()).toEqual({ tokens: 12, nanoUsd: 9 * 1000 + 3 * 10_000 });
    expect(await codeOf(create({ model: 'unknown-model', max_completion_tokens: 50 }))).toBe('E-BUDGET-004');
    expect(requests).toBe(1);
    expect((await stage.entries()).length).toBe(2);
  });

  test('what the provider refuses costs nothing, and what never reached it neither', async () => {
    const stage = await openStage({ tokensMax: 100_000 });
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
    const client = openai(recordingFetch(stage.recorder));
    await expect(stage.run.within(() => client.chat.completions.create(ask))).rejects.toThrow('no');
    const gone = await openLoopback();
    gone.close();
    const away = new OpenAI({
      baseURL: `${gone.origin}/v1`,
      apiKey: 'x',
      maxRetries: 0,
      fetch: recordingFetch(stage.recorder),
    });
    await expect(stage.run.within(() => away.chat.completions.create(ask))).rejects.toThrow();
    await stage.gate.close();
    expect((await stage.entries()).map((entry) => entry.split(' ')[0])).toEqual([
      'reserve',
      'release',
      'reserve',
      'release',
    ]);
    expect(await stage.used()).toEqual({ nanoUsd: 0, tokens: 0 });
  });

  test('anthropic: a stream that only says what went in is settled by its words', async () => {
    const stage = await openStage({ tokensMax: 100_000 }, { outputTokensDefault: 100 });
    handlers['/v1/messages'] = (_request, response) => {
      const send = (event: { type: string }): void =>
        void response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const usage = { input_tokens: 40, output_tokens: 1 };
      const message = {
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'claude-9',
        content: [],
        stop_reason: null,
        usage,
      };
      send({ type: 'message_start', message } as never);
      send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never);
      const delta = { type: 'text_delta', text: 'walrus tusk ' };
      const timer = setInterval(() => send({ type: 'content_block_delta', index: 0, delta } as never), 5);
      response.on('close', () => clearInterval(timer));
    };
    const client = new Anthropic({
      ...{ baseURL: origin, apiKey: 'sk-hidden', maxRetries: 0 },
      middleware: [anthropicMiddleware(stage.recorder)] as never,
    });
    const messages = [{ role: 'user' as const, content: 'hello' }];
    const code = await codeOf(() =>
      stage.run.within(async () => {
        for await (const _event of client.messages.stream({ model: 'claude-9', max_tokens: 60, messages })) continue;
      }),
    );
    expect(code).toBe('E-BUDGET-004');
    await stage.gate.close();
    const { tokens } = await stage.used();
    // 40 in, and more than 1.5 times the 60 that the provider was told to keep to.
    expect(tokens).toBeGreaterThan(40 + 90);
    expect(tokens).toBeLessThan(40 + 300);
  });

  test.each([
    ['by the model itself', false],
    ['with the wire recorded below it', true],
  ])('ai sdk: a stream is cut off and settled once, %s', async (_name, isWired) => {
    const stage = await openStage({ tokensMax: 10_000 }, { outputTokensDefault: 100 });
    let flow: Flow | null = null;
    handlers[chatPath] = (_request, response) => void (flow = streamForEver(response));
    if (isWired)
      undo.push(createFetchCapture({ recorder: stage.recorder, hostList: '127.0.0.1:*', layers: ['fetch'] }).install());
    const model = recordModel(sdk().chat('gpt-9'), stage.recorder);
    const code = await codeOf(() =>
      stage.run.within(async () => {
        const { stream } = streamText({ model, prompt: 'Tell me.', maxRetries: 0, onError: () => undefined });
        for await (const part of stream) if (part.type === 'error') throw part.error;
      }),
    );
    expect(code).toBe('E-BUDGET-004');
    await until(() => flow!.isClosed);
    expect(flow!.words).toBeLessThan(235);
    await stage.gate.close();
    expect((await stage.entries()).map((entry) => entry.split(' ')[0])).toEqual(['reserve', 'settle']);
    expect((await stage.used()).tokens).toBeGreaterThan(100);
    expect(stage.errors).toEqual([]);
  });

  test('ai sdk: a refused call is not made, whole answers and embeddings are settled as told', async () => {
    const stage = await openStage({ nanoUsdMax: 500_000 });
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    };
    handlers['/v1/embeddings'] = (_request, response) => {
      const body = {
        data: [{ index: 0, embedding: [0.5] }],
        model: 'embed-9',
        usage: { prompt_tokens: 3, total_tokens: 3 },
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const model = recordModel(sdk().chat('gpt-9'), stage.recorder);
    const generate = (maxOutputTokens: number) => () =>
      stage.run.within(() => generateText({ model, prompt: 'hello', maxOutputTokens }));
    expect(await codeOf(generate(100_000))).toBe('E-BUDGET-004');
    expect(requests).toBe(0);
    expect(await codeOf(generate(20))).toBeUndefined();
    const embedding = recordModel(sdk().embeddingModel('embed-9'), stage.recorder);
    await stage.run.within(() => embed({ model: embedding, value: 'walrus' }));
    await stage.gate.close();
    expect(await stage.used()).toEqual({ tokens: 15, nanoUsd: 9000 + 30_000 + 3000 });
  });

  test('ai sdk: where only its telemetry records, the wire asks and refuses', async () => {
    const stage = await openStage({ tokensMax: 10 });
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    };
    undo.push(createAiSdkCapture({ recorder: stage.recorder }).install());
    undo.push(createFetchCapture({ recorder: stage.recorder, layers: ['fetch'] }).install());
    const code = await codeOf(() =>
      stage.run.within(() => generateText({ model: sdk().chat('gpt-9'), prompt: 'hello', maxRetries: 0 })),
    );
    expect(code).toBe('E-BUDGET-004');
    expect(requests).toBe(0);
  });

  test('node:http, which can only be watched: a call is asked about while it leaves, counted, and cut off', async () => {
    const stage = await openStage({ tokensMax: 10_000 }, { outputTokensDefault: 100 });
    let flow: Flow | null = null;
    handlers[chatPath] = (_request, response) => void (flow = streamForEver(response));
    undo.push(createFetchCapture({ recorder: stage.recorder, hostList: '127.0.0.1:*' }).install());
    const send = () =>
      stage.run.within(
        () =>
          new Promise<never>((_resolve, reject) => {
            const headers = { 'content-type': 'application/json' };
            const sent = request(origin + chatPath, { method: 'POST', headers }, (answer) => {
              answer.on('error', reject).resume();
            });
            sent.on('error', reject).end(JSON.stringify({ ...ask, stream: true }));
          }),
      );
    expect(await codeOf(send)).toBe('E-BUDGET-004');
    await until(() => flow!.isClosed);
    await stage.gate.close();
    expect((await stage.entries()).map((entry) => entry.split(' ')[0])).toEqual(['reserve', 'settle']);
    await stage.ledger.setStop('shop', true);
    expect(await codeOf(send)).toBe('E-BUDGET-003');
    expect(stage.errors).toEqual([]);
  });

  test('runs inside the run are bound by its budget, also those that name no parent, wherever they call', async () => {
    const stage = await openStage({ tokensMax: 10 });
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.end(chatAnswer('hi'));
    };
    // No host is listed: what has the form of a model call is counted all the same.
    undo.push(createFetchCapture({ recorder: stage.recorder, hostList: '', layers: ['fetch'] }).install());
    const call = () =>
      fetch(origin + chatPath, {
        method: 'POST',
        body: JSON.stringify(ask),
        headers: { 'content-type': 'application/json' },
      });
    const child = (start: object) => () =>
      stage.run.within(() => stage.recorder.run({ agentId: 'child', ...start }, call));
    expect(await codeOf(child({}))).toBe('E-BUDGET-004');
    expect(await codeOf(child({ parent: null }))).toBe('E-BUDGET-004');
    expect(await codeOf(() => stage.recorder.run({ agentId: 'child', parent: stage.run }, call))).toBe('E-BUDGET-004');
    expect(requests).toBe(0);
    await stage.recorder.run({ agentId: 'free' }, call);
    expect(requests).toBe(1);
  });

  test('a call whose start the journal could not keep does not leave (I3)', async () => {
    let isJournalBroken = false;
    const stage = await openStage({ tokensMax: 100_000 }, { isJournalBroken: () => isJournalBroken });
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    };
    const client = openai(openaiFetch(stage.recorder));
    const model = recordModel(sdk().chat('gpt-9'), stage.recorder);
    const calls = [
      () => stage.run.within(() => client.chat.completions.create(ask)),
      () => stage.run.within(() => generateText({ model, prompt: 'hello', maxRetries: 0 })),
    ];
    isJournalBroken = true;
    for (const call of calls) expect(await codeOf(call)).toBe('E-RUN-007');
    expect(requests).toBe(0);
    expect(await stage.entries()).toEqual([]);
    isJournalBroken = false;
    for (const call of calls) expect(await codeOf(call)).toBeUndefined();
    expect(requests).toBe(2);
  });

  test('when the ledger cannot be reached nothing is spent, and what was spent is settled when it is back', async () => {
    let isAway = true;
    const stage = await openStage({ tokensMax: 100_000 });
    const refuse = async (): Promise<never> => {
      throw new TachographError('store-busy', 'away');
    };
    const { reserve, settle } = stage.ledger;
    Object.assign(stage.ledger, {
      reserve: (...args: Parameters<typeof reserve>) => (isAway ? refuse() : reserve(...args)),
      settle: (...args: Parameters<typeof settle>) => (isAway ? refuse() : settle(...args)),
    });
    handlers[chatPath] = (_request, response) => {
      isAway = true;
      setTimeout(() => (isAway = false), 30);
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('hi'));
    };
    const client = openai(openaiFetch(stage.recorder));
    const call = () => stage.run.within(() => client.chat.completions.create(ask));
    expect(await codeOf(call)).toBe('E-RUN-007');
    isAway = false;
    expect(await codeOf(call)).toBeUndefined();
    await stage.gate.close();
    expect((await stage.used()).tokens).toBe(12);
    expect(stage.errors).toEqual([]);
  });

  test('a call that is still out when its run ends is settled at what was counted last', async () => {
    const stage = await openStage({ tokensMax: 100_000 }, { outputTokensDefault: 5000 });
    handlers[chatPath] = (_request, response) => void streamForEver(response);
    const client = openai(openaiFetch(stage.recorder));
    const stream = await stage.run.within(() => client.chat.completions.create({ ...ask, stream: true }));
    let chunks = 0;
    for await (const _chunk of stream) {
      chunks += 1;
      if (chunks === 60) break;
    }
    await stage.gate.close();
    const { tokens } = await stage.used();
    expect(tokens).toBeGreaterThan(100);
    expect(tokens).toBeLessThan(1000);
    const before = stage.events.length;
    await stage.gate.close();
    expect(stage.events.length).toBe(before);
  });
});
