import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Side } from './options.ts';
import { answer, BareTransport, call, stage, stepsOf } from './bare-transport.fixture.ts';
import { recordTransport } from './index.ts';

describe('a hostile peer', () => {
  test('duplicate ids, ids of odd kinds, answers to nobody', async () => {
    const on = stage('server');
    const ids = [1, 1, '1', null, undefined, { a: 1 }, [2], true, 1.5, Number.NaN, '', '__proto__', 'constructor'];
    for (const [at, id] of ids.entries()) on.bare.receive(call(id, `t${at}`));
    for (const [at, id] of ids.entries()) await on.transport.send(answer(id, { at }));
    await on.transport.send(answer(77, {}));
    await on.transport.send({ jsonrpc: '2.0', id: {}, error: { code: -1, message: 'no' } });
    const steps = stepsOf(on);
    expect(steps.map(({ kind, name, status }) => [kind, name, status])).toEqual(
      ids.map((_, at) => ['tool', `t${at}`, 'completed']),
    );
    expect(steps.map(({ resultId }) => on.recording.content(resultId))).toEqual(ids.map((_, at) => ({ at })));
    expect(on.recording.everything().match(/"unmatched-answer"/g)).toHaveLength(2);
    expect(on.faults).toEqual([]);
  });

  test('the same digits as text answer a number, as the SDKs take them', async () => {
    const on = stage();
    await on.transport.send(call(3, 'add'));
    on.bare.receive(answer('3', { content: [] }));
    expect(stepsOf(on)).toMatchObject([{ name: 'add', status: 'completed' }]);
  });

  test('names and arguments of __proto__, and names that are none', async () => {
    const on = stage();
    await on.transport.send(call(1, '__proto__', JSON.parse('{"__proto__":{"polluted":1}}')));
    await on.transport.send(call(2, { toString: null }));
    await on.transport.send({ jsonrpc: '2.0', id: 3, method: '__proto__', params: null });
    on.bare.receive({
      jsonrpc: '2.0',
      id: 1,
      result: { resultType: 'input_required', inputRequests: JSON.parse('{"__proto__":{"method":"x"}}') },
    });
    on.bare.receive(answer(2, null));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(stepsOf(on).map(({ kind, name }) => [kind, name])).toEqual([
      ['tool', '__proto__'],
      ['tool', ''],
      ['phase', '__proto__'],
      ['phase', 'x'],
    ]);
    expect(JSON.stringify(on.recording.content(stepsOf(on)[0]!.argsId))).toBe('{"__proto__":{"polluted":1}}');
    expect(on.faults).toEqual([]);
  });

  test('a result of 10 MB', async () => {
    const on = stage();
    const result = { content: [{ type: 'text', text: 'word '.repeat(2 * 1024 * 1024) }] };
    await on.transport.send(call(1, 'big'));
    on.bare.receive(answer(1, result));
    expect(stepsOf(on)).toMatchObject([{ name: 'big', status: 'completed' }]);
    expect(on.recording.content(stepsOf(on)[0]!.resultId)).toEqual(result);
    expect(on.received[0]![0]).toMatchObject({ result });
  });

  test('whatever comes goes on, in order and untouched, and nothing is thrown', async () => {
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    const ids = fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom<unknown>('1', null, undefined, {}, 10n, Symbol('id'), circle),
    );
    const method = fc.constantFrom(
      'tools/call',
      'initialize',
      'server/discover',
      'sampling/createMessage',
      'subscriptions/listen',
      'notifications/cancelled',
      'notifications/progress',
      'x',
    );
    const params = fc.oneof(
      fc.anything(),
      fc.record(
        {
          name: fc.anything(),
          arguments: fc.anything(),
          requestId: ids,
          progressToken: ids,
          requestState: fc.constant('s'),
          _meta: fc.record({ progressToken: ids }),
        },
        { requiredKeys: [] },
      ),
    );
    const result = fc.oneof(
      fc.anything(),
      fc.constantFrom(
        { isError: true },
        { resultType: 'input_required', requestState: 's' },
        { serverInfo: { name: 's' } },
      ),
    );
    const message = fc.oneof(
      fc.record({ id: ids, method, params }, { requiredKeys: ['method'] }),
      fc.record({ id: ids, result }),
      fc.record({ id: ids, error: fc.anything() }),
      fc.anything(),
    );
    const passed = fc.tuple(fc.boolean(), fc.oneof(message, fc.array(message, { maxLength: 3 })));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Side>('client', 'server'),
        fc.array(passed, { maxLength: 25 }),
        async (side, all) => {
          const on = stage(side);
          for (const [isSent, each] of all) {
            if (isSent) await on.transport.send(each as object);
            else on.bare.receive(each, 'extra');
          }
          await on.transport.close();
          const sent = all.filter(([isSent]) => isSent);
          const got = all.filter(([isSent]) => !isSent);
          expect(on.bare.sent.every((each, at) => each === sent[at]![1])).toBe(true);
          expect(on.bare.sent.length).toBe(sent.length);
          expect(on.received.length).toBe(got.length);
          expect(on.received.every(([each, extra], at) => each === got[at]![1] && extra === 'extra')).toBe(true);
          expect(on.faults).toEqual([]);
          expect(stepsOf(on).every(({ status }) => status !== 'in_progress')).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a message that cannot be read is told of, and goes on', async () => {
    const on = stage();
    const trap = {
      get method(): string {
        throw new Error('do not look');
      },
    };
    await on.transport.send(trap);
    expect(on.bare.sent[0]).toBe(trap);
    expect(on.faults).toMatchObject([{ message: 'do not look' }]);
  });
});

describe('the host', () => {
  test('gets its own errors, and its own promise’s outcome', async () => {
    const on = stage();
    const refusal = (on.bare.refusal = new Error('pipe is gone'));
    await expect(on.transport.send(call(1, 'add'))).rejects.toBe(refusal);
    const own = new Error('handler');
    on.transport.onmessage = () => {
      throw own;
    };
    expect(() => on.bare.receive(answer(9, {}))).toThrow(own);
    expect(stepsOf(on)).toMatchObject([{ name: 'add', status: 'error', error: { message: 'pipe is gone' } }]);
    const aborted = (on.bare.refusal = new DOMException('stop', 'AbortError'));
    await expect(on.transport.send(call(2, 'add'))).rejects.toBe(aborted);
    expect(stepsOf(on)[1]).toMatchObject({ status: 'interrupted' });
  });

  test('sees its transport as it is, handlers as it set them, and may put its own send in place', async () => {
    const on = stage();
    expect(on.transport).toBeInstanceOf(BareTransport);
    expect(on.transport.sent).toEqual([]);
    const handler = (): void => undefined;
    on.transport.onmessage = handler;
    expect(on.transport.onmessage).toBe(handler);
    on.transport.onmessage = undefined;
    expect([on.transport.onmessage, on.bare.onmessage]).toEqual([undefined, undefined]);
    const before = on.transport.send;
    on.transport.send = (message) => before({ ...message, stamped: true });
    await on.transport.send(call(1, 'add'));
    expect(on.bare.sent).toMatchObject([{ stamped: true }]);
    expect(stepsOf(on).length).toBe(1);
    const frozen = Object.freeze({
      start: async () => undefined,
      send: async () => undefined,
      close: async () => undefined,
    });
    const { recorder } = createRecording();
    await recordTransport(frozen, recorder).send();
  });

  test('a secret in the arguments never reaches the journal', async () => {
    const on = stage();
    await on.transport.send(
      call(1, 'login', { password: 'hunter2-and-more', key: 'sk-ant-api03-abcdefghijklmnopqrstuvwx' }),
    );
    expect(on.recording.everything()).not.toMatch(/hunter2|sk-ant-api03/);
  });

  test('what is withheld of the step around a call is withheld of the call', async () => {
    const on = stage();
    const { recorder } = on.recording;
    await recorder.run({ agentId: 'agent' }, async (run) => {
      const tool = run.tool({ name: 'look', inputsWithheld: true });
      await tool.within(async () => {
        await on.transport.send(call(1, 'look', { word: 'confidential' }));
        on.bare.receive({ jsonrpc: '2.0', id: 1, error: { code: -5, message: 'confidential', data: 'confidential' } });
        await on.transport.send(call(2, 'look', { word: 'confidential' }));
        on.bare.receive(
          answer(2, {
            resultType: 'input_required',
            inputRequests: { a: { method: 'elicitation/create', params: { message: 'confidential' } } },
          }),
        );
        on.bare.receive({ jsonrpc: '2.0', method: 'notifications/message', params: { data: 'confidential' } });
        await on.transport.send({
          jsonrpc: '2.0',
          id: 3,
          method: 'tools/call',
          params: {
            name: 'look',
            arguments: { word: 'confidential' },
            inputResponses: { a: { content: 'confidential' } },
          },
        });
        on.bare.receive(answer(3, { content: [{ type: 'text', text: 'confidential' }] }));
      });
      tool.finish({ status: 'completed', outputsWithheld: true });
    });
    const [, failed, done] = stepsOf(on);
    expect(failed).toMatchObject({ status: 'error', inputsWithheld: true, error: { message: 'withheld', code: '-5' } });
    expect(done).toMatchObject({ status: 'completed', inputsWithheld: true, outputsWithheld: true });
    expect(on.recording.everything()).not.toContain('confidential');
  });

  test('closing the recorder ends what is open; a subscription ends well', async () => {
    const on = stage();
    await on.transport.send({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} });
    await on.transport.send(call(2, 'add'));
    await on.recording.recorder.close();
    expect(stepsOf(on).map(({ name, status }) => [name, status])).toEqual([
      ['subscriptions/listen', 'completed'],
      ['add', 'interrupted'],
    ]);
    const calm = stage();
    await calm.transport.send({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: {} });
    await calm.transport.close();
    expect(calm.recording.run().run.endReason).toBe('ok');
  });

  test('a client that never answers what it is asked for has only so many calls waiting', async () => {
    const on = stage();
    const ask = (at: number): object => answer(at, { resultType: 'input_required', requestState: `s${at}` });
    for (let at = 0; at <= 1000; at += 1) {
      await on.transport.send(call(at, 'ask'));
      on.bare.receive(ask(at));
    }
    const open = stepsOf(on).filter(({ status }) => status === 'in_progress');
    expect([stepsOf(on)[0]!.status, open.length]).toEqual(['interrupted', 1000]);
  });

  test('the end of a handshake alone begins no run', async () => {
    const on = stage('server');
    on.bare.receive({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await on.transport.close();
    expect(on.recording.runs()).toEqual([]);
    expect(on.received.length).toBe(1);
  });

  test('a handshake nobody answers is in the record all the same', async () => {
    const on = stage();
    await on.transport.send({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } });
    expect(on.recording.runs()).toEqual([]);
    await on.transport.close();
    expect(on.recording.run().run.agentId).toBe('mcp-client');
    expect(stepsOf(on)).toMatchObject([{ name: 'initialize', status: 'interrupted', observedAfter: true }]);
  });
});
