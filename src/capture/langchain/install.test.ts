import { AsyncLocalStorage } from 'node:async_hooks';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { RunnableLambda } from '@langchain/core/runnables';
import { afterEach, describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import { installLangChain, tachographHandler } from './index.ts';

const storageKey = Symbol.for('ls:tracing_async_local_storage');
const globals = globalThis as unknown as Record<symbol, unknown>;
const undo = createUndoList();
afterEach(() => void delete globals[storageKey]);

const model = (): FakeListChatModel => new FakeListChatModel({ responses: ['yes'] });

/** LangChain, as the part of it that needs a context leaves the process. */
async function loadContext(): Promise<typeof import('@langchain/core/context')> {
  const loaded = await import('@langchain/core/context');
  globals[storageKey] ??= new AsyncLocalStorage();
  return loaded;
}

describe('installed', () => {
  test('plain LangChain is recorded without a word of it in the program, and sees no storage that it did not make', async () => {
    const recording = createRecording();
    undo.push(installLangChain(recording.recorder));
    await model().invoke('Hi');
    const inner = model();
    await RunnableLambda.from((words: string, config) => inner.invoke(words, config)).invoke('Ho');
    expect(recording.runs().map(({ steps }) => steps.length)).toEqual([1, 1]);
    expect(globals[storageKey]).toBeUndefined();
  });

  test('with a storage of LangChain’s own, before or after, calls inside calls keep their parents', async () => {
    for (const isBefore of [true, false]) {
      delete globals[storageKey];
      const recording = createRecording();
      if (isBefore) await loadContext();
      const stop = installLangChain(recording.recorder);
      if (!isBefore) await loadContext();
      const nested = RunnableLambda.from(async (words: string) => (await model().invoke(words)).text);
      await nested.withConfig({ runName: 'outer' }).invoke('Hi');
      const { run, steps } = recording.run();
      expect([run.agentId, run.status, steps.length]).toEqual(['outer', 'completed', 1]);
      stop();
      await model().invoke('unrecorded');
      expect(recording.runs()).toHaveLength(1);
    }
  });

  test('and passed along as well, a call is recorded once', async () => {
    const recording = createRecording();
    const other = createRecording();
    undo.push(installLangChain(recording.recorder));
    await model().invoke('Hi', { callbacks: [tachographHandler(recording.recorder)] });
    await model().invoke('Hi', { callbacks: [tachographHandler(other.recorder)] });
    const inner = model();
    const chain = RunnableLambda.from((words: string, config) =>
      inner.invoke(words, { ...config, callbacks: [tachographHandler(recording.recorder)] }),
    );
    await chain.invoke('Ho');
    expect(other.runs()).toHaveLength(1);
    expect(recording.runs().flatMap(({ steps }) => steps)).toHaveLength(2);
    expect(tachographHandler(recording.recorder)).toBe(tachographHandler(recording.recorder));
  });

  test('beside hooks and variables of the program, both work', async () => {
    const { registerConfigureHook, setContextVariable, getContextVariable } = await loadContext();
    const recording = createRecording();
    const seen: string[] = [];
    const mine = {
      name: 'mine',
      awaitHandlers: true,
      copy: () => mine,
      handleChatModelStart: () => void seen.push('start'),
    };
    await RunnableLambda.from(async () => {
      registerConfigureHook({ contextVar: 'mine' });
      setContextVariable('mine', mine);
      const stop = installLangChain(recording.recorder);
      await model().invoke('Hi');
      setContextVariable('colour', 'blue');
      await model().invoke('Ho');
      expect(getContextVariable('colour')).toBe('blue');
      stop();
    }).invoke('x');
    expect(seen).toEqual(['start', 'start']);
    expect(recording.runs()).toHaveLength(2);
  });

  test('twice, or on a recorder that records nothing, it does no harm', async () => {
    const recording = createRecording();
    const stop = installLangChain(recording.recorder);
    const again = installLangChain(recording.recorder);
    await model().invoke('Hi');
    expect(recording.runs()).toHaveLength(1);
    again();
    await model().invoke('Hi');
    expect(recording.runs()).toHaveLength(2);
    stop();
    stop();
    await model().invoke('Hi');
    expect(recording.runs()).toHaveLength(2);
    expect(globals[storageKey]).toBeUndefined();
  });

  test('in a program that reads stacks in its own way, or none, nothing breaks (I1)', async () => {
    const recording = createRecording();
    undo.push(installLangChain(recording.recorder));
    const { prepareStackTrace, stackTraceLimit } = Error;
    try {
      Error.prepareStackTrace = () => {
        throw new Error('no stacks here');
      };
      expect((await model().invoke('Hi')).text).toBe('yes');
      Error.prepareStackTrace = (_error, sites) => sites;
      expect((await model().invoke('Hi')).text).toBe('yes');
      expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
      Error.stackTraceLimit = stackTraceLimit;
    }
    expect(recording.runs()).toHaveLength(1);
  });

  test('a recorder that throws never reaches the program (I1)', async () => {
    const { recorder } = createRecording();
    const faults: unknown[] = [];
    const broken = {
      ...recorder,
      startRun: () => {
        throw new Error('broken recorder');
      },
    };
    const handler = tachographHandler(broken, { onError: (error) => void faults.push(error) });
    expect((await model().invoke('Hi', { callbacks: [handler] })).text).toBe('yes');
    expect(faults.length).toBeGreaterThan(0);
  });
});
