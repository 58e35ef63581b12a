import { describe, expect, it } from 'vitest';
import { aRun, aStep } from '../../dev/builders.ts';
import type { RunView, StepView } from '../api/wire.ts';
import { runKey, stepKey, toFlatSource, toRows, toRowSource } from './step-rows.ts';
import type { LoadedRun, Row } from './step-rows.ts';

const runId = '01938000-0000-7000-8000-000000000001';
const nothing = { folded: new Set<string>(), openRuns: new Set<string>(), loadedById: new Map<string, LoadedRun>() };

function step(number: number, parent: StepView | null = null): StepView {
  return aStep({ runId, number, startedAtMs: number * 100, parentStepId: parent?.id ?? null });
}

function child(id: string, parent: StepView | null, startedAtMs: number): RunView {
  return aRun({
    id,
    startedAtMs,
    parentRunId: runId,
    parentStepId: parent?.id ?? null,
    counts: { ...aRun({ id, startedAtMs }).counts, steps: 1 },
  });
}

const outline = (rows: readonly Row[]): readonly string[] =>
  rows.map((row) => `${'.'.repeat(row.depth)}${row.kind === 'run' ? 'run' : row.number}`);

describe('step rows', () => {
  it('puts tools under the model step that asked for them, in the order of their numbers', () => {
    const model = step(1);
    const later = step(3);
    const steps = [model, step(2, model), later, step(4, model), step(5, later)];
    expect(outline(toRows({ runId, steps, children: [] }, nothing))).toEqual(['1', '.2', '.4', '3', '.5']);
  });

  it('hides what is folded', () => {
    const model = step(1);
    const rows = toRows(
      { runId, steps: [model, step(2, model), step(3)], children: [] },
      { ...nothing, folded: new Set([stepKey(runId, 1)]) },
    );
    expect(outline(rows)).toEqual(['1', '3']);
    expect(rows[0]).toMatchObject({ hasChildren: true, isOpen: false });
  });

  it('puts child runs under their step, or by their time when no step names them', () => {
    const first = step(1);
    const children = [child('c1', first, 120), child('c2', null, 150)];
    expect(toRows({ runId, steps: [first, step(2)], children }, nothing).map((row) => row.key)).toEqual([
      stepKey(runId, 1),
      runKey('c1'),
      runKey('c2'),
      stepKey(runId, 2),
    ]);
  });

  it('unfolds a child run once, also when runs contain each other', () => {
    const first = step(1);
    const children = [child('c1', first, 120)];
    const inner: LoadedRun = {
      runId: 'c1',
      steps: [aStep({ runId: 'c1', number: 1, startedAtMs: 130 })],
      children: [child('c1', null, 140)],
    };
    const rows = toRows(
      { runId, steps: [first], children },
      { ...nothing, openRuns: new Set(['c1']), loadedById: new Map([['c1', inner]]) },
    );
    expect(outline(rows)).toEqual(['1', '.run', '..1', '..run']);
  });

  it('keeps steps whose parents run in a circle, at the top', () => {
    const one = step(1);
    const two = step(2, one);
    const steps = [{ ...one, parentStepId: two.id }, two, step(3, two)];
    expect(toRows({ runId, steps, children: [] }, nothing).filter((row) => row.kind === 'step')).toHaveLength(3);
  });

  it('walks a tree 100,000 deep', () => {
    let parent: StepView | null = null;
    const steps = Array.from({ length: 100_000 }, (_, index) => (parent = step(index + 1, parent)));
    const rows = toRows({ runId, steps, children: [] }, nothing);
    expect(rows).toHaveLength(100_000);
    expect(rows.at(-1)?.depth).toBe(99_999);
  });

  it('finds rows by key, held whole and read by the page', () => {
    const whole = toRowSource(toRows({ runId, steps: [step(1), step(2)], children: [] }, nothing));
    expect(whole.indexOf(stepKey(runId, 2))).toBe(1);
    expect(whole.indexOf('unknown')).toBe(-1);
    const flat = toFlatSource(runId, 100_000, () => null);
    expect(flat.indexOf(stepKey(runId, 99_999))).toBe(99_998);
    expect(flat.indexOf(stepKey(runId, 100_001))).toBe(-1);
    expect(flat.indexOf(stepKey('other', 1))).toBe(-1);
    expect(flat.at(100_000)).toBeNull();
    expect(flat.at(5)).toMatchObject({ number: 6, step: null });
  });
});
