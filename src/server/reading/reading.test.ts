import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStage } from '../../../test/server/stage.ts';
import type { Stage } from '../../../test/server/stage.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import { ExactJson } from '../../core/record/recording.ts';
import type { Store, StoredEvent } from '../../core/store.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { AttemptDetail, RunDetail, WireContext, WireEvent } from '../wire.ts';
import { createStepNumbers } from './step-numbers.ts';
import { textToValue } from './wire-content.ts';
import { eventToJson } from './wire-event.ts';

const user = (content: string): object => ({ role: 'user', content });

function modelStep(run: RunRecorder, messages: readonly unknown[]): void {
  run.step({ kind: 'model', operation: 'generate', messages }).finish({ status: 'completed' });
}

async function newFlags(stage: Stage, runId: string, number: number): Promise<readonly boolean[]> {
  const context = await stage.json<WireContext>(`/api/v1/runs/${runId}/steps/${number}/context`);
  return context.messages.map(({ isNew }) => isNew);
}

describe('bodies', () => {
  test('read back byte for byte, however long the chain of continued ones', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    const sent: string[] = [];
    const messages: object[] = [{ role: 'system', content: 'You are terse. '.repeat(30) }];
    for (let at = 0; at < 60; at += 1) {
      // Now and then the conversation is rewritten near its beginning, so that bases are followed past their own bytes.
      if (at % 17 === 16) messages.splice(3, 1, user(`rewritten ${at}`));
      messages.push(user(`question ${at} äöü € 🚀`), { role: 'assistant', content: `answer ${at}` });
      const step = run.step({ kind: 'model', operation: 'generate', messages: [...messages] });
      const body = JSON.stringify({ model: 'm', messages });
      sent.push(body);
      const attempt = step.attempt({
        method: 'POST',
        url: 'https://models.test/v1',
        body: { data: body, contentType: 'application/json' },
      });
      attempt.finish({
        status: 'completed',
        responseStatus: 200,
        body: { data: `{"at":${at}}`, contentType: 'application/json' },
      });
      step.finish({ status: 'completed' });
    }
    run.close({ endReason: 'ok' });
    await stage.publish();
    const continued = (await stage.store.listAttempts('default', run.id)).filter(
      ({ requestBody }) => requestBody?.nodeId != null,
    );
    expect(continued.length).toBeGreaterThan(50);
    for (const [at, body] of sent.entries()) {
      const detail = await stage.json<AttemptDetail>(`/api/v1/runs/${run.id}/steps/${at + 1}/attempts/1`);
      expect(detail.requestBody).toBe(body);
      expect(detail.responseBody).toBe(`{"at":${at}}`);
    }
  });

  test('that were withheld or erased read as null', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model' });
    step
      .attempt({
        method: 'POST',
        url: 'https://models.test/',
        body: { data: null, contentType: null, withheld: 'stream' },
      })
      .finish({ status: 'failed' });
    step.finish({ status: 'error' });
    run.close({ endReason: 'error' });
    await stage.publish();
    const read = (): Promise<AttemptDetail> => stage.json(`/api/v1/runs/${run.id}/steps/1/attempts/1`);
    expect(await read()).toMatchObject({ requestBody: null, responseBody: null });
    await stage.store.eraseRun('default', run.id);
    expect(await read()).toMatchObject({ requestBody: null, attempt: { erased: true } });
  });
});

describe('new messages', () => {
  test('are told apart when conversations interleave', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    modelStep(run, [user('main')]);
    modelStep(run, [user('side')]);
    modelStep(run, [user('main'), user('goes on')]);
    modelStep(run, [user('side'), user('too')]);
    await stage.publish();
    expect(await newFlags(stage, run.id, 3)).toEqual([false, true]);
    expect(await newFlags(stage, run.id, 4)).toEqual([false, true]);
  });

  test('are those the broken prefix did not hold; a repeated one is new again', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    modelStep(run, [user('system 1'), user('go'), user('go')]);
    modelStep(run, [user('system 2'), user('go'), user('go'), user('go')]);
    await stage.publish();
    expect(await newFlags(stage, run.id, 2)).toEqual([true, false, false, true]);
    const context = await stage.json<WireContext>(`/api/v1/runs/${run.id}/steps/2/context`);
    expect(context.newFrom).toBe(0);
  });

  test('of a call repeated word for word are none', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    modelStep(run, [user('once')]);
    modelStep(run, [user('once')]);
    await stage.publish();
    expect(await newFlags(stage, run.id, 2)).toEqual([false]);
  });

  test('that were erased are counted as missing', async () => {
    const stage = await createStage();
    const run = stage.recorder.startRun({ agentId: 'a' });
    modelStep(run, [user('one'), user('two')]);
    run.close({ endReason: 'ok' });
    await stage.publish();
    await stage.store.eraseRun('default', run.id);
    const context = await stage.json<WireContext>(`/api/v1/runs/${run.id}/steps/1/context`);
    expect([context.messages, context.missing]).toEqual([[], context.length]);
  });
});

describe('hostile data', () => {
  test('is given back without loss and without a crash', async () => {
    const memory = createMemoryStore();
    const deep = `${'['.repeat(5000)}1${']'.repeat(5000)}`;
    const odd =
      '{"__proto__":{"polluted":true},"constructor":1,"big":12345678901234567890,"inf":1e400,"dup":1,"dup":2,"lone":"\\ud800","nul":"\\u0000"}';
    const store: Store = {
      ...memory,
      readContents: async (...args) =>
        (await memory.readContents(...args)).map((content) =>
          Buffer.from(content.bytes).includes('DEEP') ? { ...content, bytes: Buffer.from(deep) } : content,
        ),
    };
    const stage = await createStage({ store });
    const run = stage.recorder.startRun({ agentId: '<script>alert(1)</script>', inputs: new ExactJson(odd) });
    run
      .step({ kind: 'model', operation: 'generate', messages: ['DEEP', user('\u202Eevil\u0000\ud800')] })
      .finish({ status: 'completed', response: 'DEEP' });
    run.close({ endReason: 'ok', output: 'DEEP' });
    await stage.publish();
    const detail = await stage.json<RunDetail>(`/api/v1/runs/${run.id}`);
    expect(detail.run.agentId).toBe('<script>alert(1)</script>');
    expect(detail.inputs?.raw).toBe(odd);
    expect(detail.output).toMatchObject({ value: null, raw: deep });
    const context = await stage.json<WireContext>(`/api/v1/runs/${run.id}/steps/1/context`);
    expect(context.messages[0]).toMatchObject({ role: 'other', raw: deep });
    expect(context.messages[1]!.parts).toEqual([{ type: 'text', text: '\u202Eevil\u0000\ud800' }]);
    expect((await stage.get(`/api/v1/runs/${run.id}/steps/1`)).status).toBe(200);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(stage.errors).toEqual([]);
  });

  test('of a payload keeps its number text, and a malformed one is shown as such', async () => {
    const memory = createMemoryStore();
    const payloads = ['{"n":12345678901234567890.10}', '{"broken', null];
    const store: Store = {
      ...memory,
      listEvents: async (...args) =>
        (await memory.listEvents(...args)).map((event, at) => ({ ...event, payload: payloads[at % payloads.length]! })),
    };
    const stage = await createStage({ store });
    const run = stage.recorder.startRun({ agentId: 'a' });
    run.log('x', 1);
    run.close({ endReason: 'ok' });
    await stage.publish();
    const response = await stage.get(`/api/v1/runs/${run.id}/events`);
    const text = await response.text();
    expect(text).toContain('"payload":{"n":12345678901234567890.10}');
    const events = JSON.parse(text) as WireEvent[];
    expect(events.map(({ payload }) => payload)).toEqual([
      { n: 12345678901234567000 },
      { error: 'malformed', raw: '{"broken' },
      null,
    ]);
  });

  test('events are always one JSON text', () => {
    const header = {
      runId: 'r',
      writerId: 'w',
      n: 1,
      type: 'log',
      timeMs: 1,
      stepId: null,
      attempt: null,
      facts: null,
    } as const;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.constant(null)), (payload) => {
        const event: StoredEvent = {
          seq: 1,
          header,
          payload,
          salt: null,
          digest: new Uint8Array(32),
          hash: new Uint8Array(32),
        };
        const read = JSON.parse(eventToJson(event)) as WireEvent;
        return read.seq === 1 && read.hash.length === 64;
      }),
    );
  });

  test('nesting is counted outside strings only', () => {
    expect(textToValue(JSON.stringify('['.repeat(1000)))).toBe('['.repeat(1000));
    expect(textToValue(JSON.stringify({ 'a\\"[': '\\\\"{'.repeat(300) }))).toEqual({ 'a\\"[': '\\\\"{'.repeat(300) });
    expect(textToValue('['.repeat(300) + ']'.repeat(300))).toBeNull();
    expect(textToValue('['.repeat(200) + ']'.repeat(200))).not.toBeNull();
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(textToValue(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('numbers of steps', () => {
  test('are found without reading the whole run, also where they do not follow the ids', async () => {
    const memory = createMemoryStore();
    let read = 0;
    const store: Store = {
      ...memory,
      async listSteps(...args) {
        const steps = await memory.listSteps(...args);
        read += steps.length;
        return steps;
      },
    };
    const stage = await createStage({ store });
    const run = stage.recorder.startRun({ agentId: 'a' });
    const early = run.tool({ name: 'early' });
    const ids: string[] = [];
    for (let at = 0; at < 3000; at += 1) {
      const tool = run.tool({ name: 't' });
      ids.push(tool.id);
      tool.succeed(at);
    }
    early.succeed(0);
    await stage.publish();
    const { lastStepNumber } = await store.getRun('default', run.id);
    const numbers = createStepNumbers();
    const find = (id: string): Promise<ReadonlyMap<string, number>> =>
      numbers.find({ store, projectId: 'default' }, { id: run.id, lastStepNumber }, new Set([id]));
    for (const at of [0, 1, 1499, 2998, 2999]) expect(await find(ids[at]!)).toEqual(new Map([[ids[at]!, at + 2]]));
    expect(read).toBeLessThanOrEqual(5 * 500);
    expect(await find('01990000-0000-7000-8000-000000000000')).toEqual(new Map());
    const shuffled: Store = {
      ...store,
      getStep: async (project, runId, number) => ({
        ...(await store.getStep(project, runId, number)),
        id: number % 2 === 0 ? 'f' : '0',
      }),
    };
    const others = createStepNumbers();
    const found = await others.find(
      { store: shuffled, projectId: 'default' },
      { id: run.id, lastStepNumber },
      new Set([ids[2000]!]),
    );
    expect(found.get(ids[2000]!)).toBe(2002);
  });
});
