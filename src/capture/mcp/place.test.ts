import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Recorder, StepRecorder } from '../../core/record/recording.ts';
import type { BareStage } from './bare-transport.fixture.ts';
import { answer, call, stage, stepsOf } from './bare-transport.fixture.ts';

describe('what is asked back', () => {
  const asks = (id: number): object => ({ jsonrpc: '2.0', id, method: 'roots/list' });
  const parentsOf = (on: BareStage) => stepsOf(on).map(({ name, parentStepId }) => [name, parentStepId]);

  test('belongs to the only open call of a client, and to none of several', async () => {
    const on = stage();
    await on.transport.send(call(1, 'a'));
    on.bare.receive(asks(1));
    await on.transport.send(call(2, 'b'));
    on.bare.receive(asks(2));
    const [first] = stepsOf(on);
    expect(parentsOf(on)).toEqual([
      ['a', null],
      ['roots/list', first!.id],
      ['b', null],
      ['roots/list', null],
    ]);
  });

  test('is, on a server, what the scope or the sender says, and never what a client sends meanwhile', async () => {
    const on = stage('server');
    on.bare.receive(call(1, 'a'));
    on.bare.receive(call(2, 'b'));
    await on.transport.send(asks(1), { relatedRequestId: 2 });
    on.bare.receive(answer(1, { roots: [] }));
    await on.transport.send(asks(2));
    on.bare.receive(call(3, 'c'));
    const [, second] = stepsOf(on);
    expect(parentsOf(on)).toEqual([
      ['a', null],
      ['b', null],
      ['roots/list', second!.id],
      ['roots/list', null],
      ['c', null],
    ]);
  });
});

describe('the tool step in scope', () => {
  /** A recorder whose steps tell their names. */
  function telling(recorder: Recorder, name: string): Recorder {
    const currentStep = (): StepRecorder | null => {
      const step = recorder.currentStep();
      return step === null
        ? null
        : new Proxy(step, { get: (of, key) => (key === 'name' ? name : Reflect.get(of, key, of)) });
    };
    return { ...recorder, currentStep };
  }

  test.each([
    ['add', 'phase'],
    ['calculator_add', 'phase'],
    ['mcp__calculator__add', 'phase'],
    ['calculator.add', 'phase'],
    ['add_all', 'tool'],
    ['preadd', 'tool'],
    ['research', 'tool'],
  ])('named %s makes a call of add a %s under it', async (name, kind) => {
    const { recorder } = createRecording();
    const on = stage('client', telling(recorder, name));
    await recorder.run({ agentId: 'agent' }, async (run) => {
      const tool = run.tool({ name });
      await tool.within(() => on.transport.send(call(1, 'add')));
      expect(run.toolCallCount()).toBe(kind === 'tool' ? 2 : 1);
    });
  });
});
