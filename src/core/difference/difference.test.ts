import { describe, expect, test } from 'vitest';
import type { Stage } from '../../../test/server/stage.ts';
import { createStage } from '../../../test/server/stage.ts';
import { maskPlaceholders } from './comparable.ts';
import { cutAround, jsonChanges } from './json-changes.ts';
import type { RunDifference } from './run-difference.ts';
import { diffRuns } from './run-difference.ts';
import { alignByAnchors, alignSequences } from './sequence.ts';
import { diffSteps } from './step-difference.ts';

interface Turn {
  readonly says?: string;
  readonly calls?: readonly {
    readonly id: string;
    readonly name: string;
    readonly args: unknown;
    readonly result: unknown;
  }[];
}

/** A tool loop as an agent makes it: each model step sees everything before it. */
function recordLoop(stage: Stage, prompt: string, turns: readonly Turn[]): string {
  const run = stage.recorder.startRun({ agentId: 'loop' });
  const messages: unknown[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: prompt },
  ];
  for (const { says, calls = [] } of turns) {
    const step = run.step({ kind: 'model', operation: 'generate', model: 'm-1', messages: [...messages] });
    const answer = [
      ...(says === undefined ? [] : [{ type: 'text', text: says }]),
      ...calls.map(({ id, name, args }) => ({ type: 'tool-call', toolCallId: id, toolName: name, input: args })),
    ];
    step.finish({ status: 'completed', response: answer });
    messages.push({ role: 'assistant', content: answer });
    for (const { id, name, args, result } of calls) {
      run.tool({ name, args, callId: id }).succeed(result);
      messages.push({ role: 'tool', content: [{ type: 'tool-result', toolCallId: id, output: result }] });
    }
  }
  run.close({ endReason: 'ok' });
  return run.id;
}

const call = (id: string, q: string, result: unknown = { found: q }): Turn => ({
  calls: [{ id, name: 'look', args: { q }, result }],
});

async function diff(stage: Stage, a: string, b: string, isOneProject = true): Promise<RunDifference> {
  await stage.publish();
  const of = (runId: string) => ({ store: stage.store, projectId: 'default', runId });
  return diffRuns(of(a), of(b), isOneProject);
}

const rowsOf = (difference: RunDifference) =>
  difference.rows.map(({ a, b, differs }) => [a?.number ?? null, b?.number ?? null, differs]);

describe('two runs', () => {
  test('the same work is the same, whatever the provider called its tool calls', async () => {
    const stage = await createStage();
    const a = recordLoop(stage, 'Hi', [call('x1', 'lamp'), call('x2', 'shade'), { says: 'Done.' }]);
    const b = recordLoop(stage, 'Hi', [call('y7', 'lamp'), call('y8', 'shade'), { says: 'Done.' }]);
    for (const isOneProject of [true, false]) {
      const difference = await diff(stage, a, b, isOneProject);
      expect(difference).toMatchObject({ isSame: true, firstAt: null, delta: { steps: 0, inputTokens: null } });
      expect(difference.rows).toHaveLength(5);
    }
  });

  test('a changed prompt differs from the first step on, and every step keeps its counterpart', async () => {
    const stage = await createStage();
    const a = recordLoop(stage, 'Hi', [call('x1', 'lamp'), { says: 'Done.' }]);
    const b = recordLoop(stage, 'Hello', [call('x1', 'lamp'), { says: 'Done.' }]);
    const difference = await diff(stage, a, b);
    expect(difference.firstAt).toBe(0);
    expect(rowsOf(difference)).toEqual([
      [1, 1, ['messages']],
      [2, 2, []],
      [3, 3, ['messages']],
    ]);
  });

  test('what saw the same and answered otherwise has its counterpart, and what came of it stands alone', async () => {
    const stage = await createStage();
    const a = recordLoop(stage, 'Hi', [call('x1', 'lamp'), { says: 'Done.' }]);
    const b = recordLoop(stage, 'Hi', [call('x1', 'lamp'), call('x2', 'shade'), { says: 'Done.' }]);
    const difference = await diff(stage, a, b);
    expect(rowsOf(difference)).toEqual([
      [1, 1, []],
      [2, 2, []],
      [3, 3, ['answer']],
      [null, 4, []],
      [null, 5, []],
    ]);
    expect(difference.delta.steps).toBe(2);
  });

  test('what the first divergence is: the result of a tool, then what the model saw of it', async () => {
    const stage = await createStage();
    const a = recordLoop(stage, 'Hi', [call('x1', 'lamp', { stock: 3 }), { says: 'Three.' }]);
    const b = recordLoop(stage, 'Hi', [call('x1', 'lamp', { stock: 4 }), { says: 'Four.' }]);
    const difference = await diff(stage, a, b);
    expect(difference.firstAt).toBe(1);
    expect(rowsOf(difference)).toEqual([
      [1, 1, []],
      [2, 2, ['result']],
      [3, 3, ['messages', 'answer']],
    ]);
    const of = (runId: string) => ({ store: stage.store, projectId: 'default', runId });
    const tool = await diffSteps({ of: of(a), number: 2 }, { of: of(b), number: 2 });
    expect(tool).toEqual({ messages: null, changes: [{ field: 'result', path: 'stock', before: '3', after: '4' }] });
    const { messages, changes } = await diffSteps({ of: of(a), number: 3 }, { of: of(b), number: 3 });
    expect(messages).toMatchObject({ shared: 3, lengthA: 4, lengthB: 4 });
    expect(messages!.rows).toHaveLength(1);
    expect(messages!.rows[0]!.changes).toEqual([{ path: 'content[0].output.stock', before: '3', after: '4' }]);
    expect(changes).toEqual([{ field: 'answer', path: '[0].text', before: 'Three.', after: 'Four.' }]);
  });

  test('a message that only one side has is told as such', async () => {
    const stage = await createStage();
    const record = (messages: readonly unknown[]): string => {
      const run = stage.recorder.startRun({ agentId: 'one' });
      run.step({ kind: 'model', messages }).finish({ status: 'completed', response: [] });
      run.close({ endReason: 'ok' });
      return run.id;
    };
    const user = (content: string) => ({ role: 'user', content });
    const a = record([user('one'), user('two'), user('three')]);
    const b = record([user('one'), { role: 'system', content: 'new' }, user('two'), user('THREE')]);
    await stage.publish();
    const of = (runId: string) => ({ store: stage.store, projectId: 'default', runId });
    const { messages } = await diffSteps({ of: of(a), number: 1 }, { of: of(b), number: 1 });
    expect(messages!.shared).toBe(1);
    expect(messages!.rows.map((row) => [row.a?.text ?? null, row.b?.text ?? null, row.changes.length])).toEqual([
      [null, 'new', 0],
      ['two', 'two', 0],
      ['three', 'THREE', 1],
    ]);
  });
});

describe('alignment', () => {
  const keys = (text: string): string[] => [...text];
  const toText = (a: string, b: string): string =>
    alignSequences(keys(a), keys(b))
      .map((row) => (row.a === null ? `+${b[row.b!]}` : row.b === null ? `-${a[row.a]}` : a[row.a]))
      .join(' ');

  test('keeps as much as can be kept', () => {
    expect(toText('abcdef', 'abxdef')).toBe('a b -c +x d e f');
    expect(toText('abc', '')).toBe('-a -b -c');
    expect(toText('', 'ab')).toBe('+a +b');
    expect(toText('abcabba', 'cbabac')).toMatch(/^(?=(?:[^a-c]*[a-c]){9})/);
  });

  test('pairs rise on both sides and are equal, for any two lists', () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 300; round += 1) {
      const list = (): string[] => Array.from({ length: random(30) }, () => 'abcd'[random(4)]!);
      const [a, b] = [list(), list()];
      const rows = alignSequences(a, b);
      expect(rows.flatMap((row) => (row.a === null ? [] : [row.a]))).toEqual(a.map((_, at) => at));
      expect(rows.flatMap((row) => (row.b === null ? [] : [row.b]))).toEqual(b.map((_, at) => at));
      for (const row of rows) if (row.a !== null && row.b !== null) expect(a[row.a]).toBe(b[row.b]);
      expect(rows.filter((row) => row.a !== null && row.b !== null)).toHaveLength(longestCommon(a, b));
    }
  });

  test('5,000 steps that have nothing in common but their kinds end soon', () => {
    const list = (salt: string) =>
      Array.from({ length: 5000 }, (_, at) => ({ fine: `${salt}${at}`, coarse: `${(at * 7919) % 13}${at % 3}` }));
    const rows = alignByAnchors(list('a'), list('b').slice(40).concat(list('c').slice(0, 900)));
    expect(rows.filter((row) => row.a !== null)).toHaveLength(5000);
  });
});

function longestCommon(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => b.concat('').map(() => 0));
  for (let i = 1; i <= a.length; i += 1)
    for (let j = 1; j <= b.length; j += 1)
      table[i]![j] = a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
  return table[a.length]![b.length]!;
}

describe('values', () => {
  test('a change has its path, what was there and what is', () => {
    expect(jsonChanges({ a: [1, { b: 'x' }], c: 1 }, { a: [1, { b: 'y' }], d: null })).toEqual([
      { path: 'a[1].b', before: 'x', after: 'y' },
      { path: 'c', before: '1', after: null },
      { path: 'd', before: null, after: 'null' },
    ]);
    expect(jsonChanges({ a: 1, b: 2 }, { b: 2, a: 1 })).toEqual([]);
    expect(jsonChanges('x', { 'odd key': 1 })).toEqual([{ path: '', before: 'x', after: '{"odd key":1}' }]);
  });

  test('long texts are shown around their first difference', () => {
    const { before, after } = cutAround(`${'a'.repeat(500)}X${'b'.repeat(500)}`, `${'a'.repeat(500)}Y`, 60);
    expect(before).toMatch(/^…a+Xb+…$/);
    expect(after).toMatch(/^…a+Y$/);
  });

  test('placeholders of two machines are the same but for their kind', () => {
    expect(maskPlaceholders('k [REDACTED:api-key:0a1b2c3d] [REDACTED:jwt:00000000]')).toBe(
      'k [REDACTED:api-key] [REDACTED:jwt]',
    );
  });
});
