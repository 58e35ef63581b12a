import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { SpanBegin } from './span.ts';
import { createSpanBook } from './span-book.ts';

const lone = { agentId: 'lone' };
const run = (id: string, parentId: string | null = null, agentId = id): SpanBegin => ({
  id,
  parentId,
  shape: { as: 'run', start: { agentId } },
  lone,
});
const model = (id: string, parentId: string | null = null): SpanBegin => ({
  id,
  parentId,
  shape: { as: 'step', start: { kind: 'model', operation: 'generate', name: id } },
  lone,
});
const tool = (id: string, parentId: string | null = null): SpanBegin => ({
  id,
  parentId,
  shape: { as: 'tool', start: { name: id } },
  lone,
});
const through = (id: string, parentId: string | null = null): SpanBegin => ({
  id,
  parentId,
  shape: { as: 'through' },
  lone,
});

function stage() {
  const recording = createRecording();
  const book = createSpanBook(recording.recorder);
  const view = (agentId: string) => recording.runs().find((each) => each.run.agentId === agentId)!;
  return { recording, book, view };
}

describe('a tree of spans', () => {
  test('is a run with its steps; a run below a step is its child run', () => {
    const { recording, book, view } = stage();
    book.begin(run('outer'));
    book.begin(tool('look', 'outer'));
    book.begin(run('inner', 'look'));
    book.begin(model('call', 'inner'));
    expect(view('inner').steps[0]!.status).toBe('in_progress');
    book.finish('call', { status: 'completed' });
    book.close('inner', { endReason: 'ok', output: 'words' });
    book.finish('look', { status: 'completed', result: 1 });
    book.close('outer', { endReason: 'ok' });
    const [outer, inner] = [view('outer'), view('inner')];
    expect(recording.runs()).toHaveLength(2);
    expect(inner.run).toMatchObject({
      parentRunId: outer.run.id,
      parentStepId: outer.steps[0]!.id,
      status: 'completed',
    });
    expect(outer.steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([['tool', 'look', 'completed']]);
    expect(book.size).toBe(0);
  });

  test('a parent that is named wins over what async scope says', async () => {
    const { recording, book, view } = stage();
    book.begin(run('outer'));
    book.begin(tool('look', 'outer'));
    await recording.recorder.run({ agentId: 'user' }, (user) => {
      user.tool({ name: 'other' }).within(() => {
        book.begin(run('inner', 'look'));
        book.begin(model('call', 'inner'));
      });
    });
    expect(view('inner').run.parentStepId).toBe(view('outer').steps[0]!.id);
    expect(view('inner').steps[0]!.name).toBe('call');
  });

  test('a span that is nothing of its own hangs what is below it on what is above', () => {
    const { book, view } = stage();
    book.begin(run('outer'));
    book.begin(tool('chain', 'outer'));
    book.begin(through('turn', 'chain'));
    book.begin(model('call', 'turn'));
    expect(view('outer').steps[1]!.parentStepId).toBe(view('outer').steps[0]!.id);
    book.drop('turn');
    expect(book.find('turn')).toBeNull();
    expect(view('outer').run.status).toBe('running');
    expect(book.begin(through('nowhere'))).toBeNull();
  });

  test('a step in no run gets one that ends with it', () => {
    const { book, view } = stage();
    book.begin(model('call'));
    book.finish('call', { status: 'error', error: new Error('no') });
    expect(view('lone').run).toMatchObject({ status: 'failed', endReason: 'error' });
  });

  test('closing a run ends what is open in it as interrupted', () => {
    const { book, view } = stage();
    book.begin(run('outer'));
    book.begin(model('call', 'outer'));
    book.close('outer', { endReason: 'ok' });
    expect(view('outer').steps[0]!.status).toBe('interrupted');
    book.finish('call', { status: 'completed' });
    expect(view('outer').run.status).toBe('completed');
  });

  test('a second span of one id, and the end of one that is unknown, change nothing', () => {
    const { recording, book } = stage();
    expect(book.begin(run('outer'))).not.toBeNull();
    expect(book.begin(run('outer'))).toBeNull();
    book.finish('unknown', { status: 'completed' });
    book.close('unknown', { endReason: 'ok' });
    book.enter('unknown');
    expect(recording.runs()).toHaveLength(1);
  });
});

describe('what is around a span that names no parent', () => {
  test("the user's own run is where it belongs", async () => {
    const { recording, book } = stage();
    await recording.recorder.run({ agentId: 'user' }, () => {
      const open = book.begin(run('outer'));
      expect(open).toMatchObject({ ownsRun: false });
      book.begin(model('call', 'outer'));
      book.finish('call', { status: 'completed' });
      book.close('outer', { endReason: 'error' });
    });
    const { run: view, steps } = recording.run();
    expect(view).toMatchObject({ agentId: 'user', status: 'completed' });
    expect(steps).toHaveLength(1);
  });

  test("another capture's tool is the parent of a run", async () => {
    const { recording, book, view } = stage();
    await recording.recorder.run({ agentId: 'user' }, (user) => {
      const step = user.tool({ name: 'ask' });
      step.within(() => book.begin(run('inner')));
      book.close('inner', { endReason: 'ok' });
      step.succeed(null);
    });
    expect(view('inner').run.parentStepId).toBe(view('user').steps[0]!.id);
  });

  test('a run that is entered is the scope of what is below it', async () => {
    const { recording, book } = stage();
    const work = async (): Promise<unknown> => {
      await Promise.resolve();
      const open = book.begin(run('outer'));
      book.enter('outer');
      await Promise.resolve();
      return recording.recorder.current() === open?.run;
    };
    expect(await work()).toBe(true);
    expect(recording.recorder.current()).toBeNull();
  });

  test('a tool of this book too, once entered; a run of its own is not', async () => {
    const { book, view } = stage();
    const nested = async (): Promise<void> => {
      book.begin(tool('work', 'outer'));
      book.enter('work');
      await Promise.resolve();
      book.begin(run('inner'));
    };
    book.begin(run('outer'));
    await nested();
    book.find('outer')!.run.within(() => book.begin(run('beside')));
    expect(view('inner').run.parentRunId).toBe(view('outer').run.id);
    expect(view('beside').run.parentRunId).toBeNull();
  });

  test.each([8, 64])('%i trees side by side stay apart', async (count) => {
    const { recording, book, view } = stage();
    const one = async (name: string): Promise<void> => {
      // What is entered counts for what follows in the same async flow, so each tree needs one of its own.
      await Promise.resolve();
      book.begin(run(name));
      book.begin(tool(`${name}-tool`, name));
      book.enter(`${name}-tool`);
      await new Promise((done) => setTimeout(done, Math.random() * 5));
      book.begin(run(`${name}-sub`));
      book.begin(model(`${name}-call`, `${name}-sub`));
      book.finish(`${name}-call`, { status: 'completed' });
      book.close(`${name}-sub`, { endReason: 'ok' });
      book.finish(`${name}-tool`, { status: 'completed' });
      book.close(name, { endReason: 'ok' });
    };
    const names = Array.from({ length: count }, (_, index) => `a${index}`);
    await Promise.all(names.map(one));
    expect(recording.runs()).toHaveLength(2 * count);
    for (const name of names) {
      expect(view(`${name}-sub`).run.parentStepId).toBe(view(name).steps[0]!.id);
      expect(view(name).run.parentRunId).toBeNull();
    }
  });
});

describe('a book and its host', () => {
  test('what goes wrong in the recording is told and not thrown', () => {
    const told: unknown[] = [];
    const failure = new Error('broken');
    const broken = { ...createRecording().recorder, startRun: () => { throw failure; } } as unknown as Recorder; // prettier-ignore
    const book = createSpanBook(broken, (error) => told.push(error));
    expect(book.begin(run('outer'))).toBeNull();
    expect(book.guard(() => { throw failure; })).toBeUndefined(); // prettier-ignore
    expect(told).toEqual([failure, failure]);
  });

  test('nor does the listener that is told of it', () => {
    const fails = (): never => {
      throw new Error('broken');
    };
    expect(createSpanBook(createRecording().recorder, fails).guard(fails)).toBeUndefined();
  });

  test('a recorder that records nothing has an empty book', () => {
    const book = createSpanBook(createRecorder({ journal: null }));
    expect(book.begin(run('outer'))).toBeNull();
    expect(book.size).toBe(0);
  });

  test('spans that never end are forgotten, the oldest first', () => {
    const { book } = stage();
    book.begin(run('first'));
    book.begin(through('t0', 'first'));
    for (let index = 1; index < 10_050; index += 1) book.begin(through(`t${index}`, `t${index - 1}`));
    expect(book.size).toBe(10_000);
    expect(book.find('first')).toBeNull();
    expect(book.find('t10049')).not.toBeNull();
  });
});
