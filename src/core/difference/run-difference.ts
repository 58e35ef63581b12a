import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { Aligned } from './sequence.ts';
import { alignByAnchors } from './sequence.ts';
import type { ComparedField, ComparedRun, RunReading, StepKeys } from './step-keys.ts';
import { comparedFields, readRun, readStepKeys, sharedIds } from './step-keys.ts';

/** A step as one side of a row. */
export interface StepBrief {
  readonly number: number;
  readonly kind: StepView['kind'];
  readonly operation: string | null;
  readonly name: string | null;
  readonly model: string | null;
  readonly status: StepView['status'];
  readonly preview: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: number | null;
  readonly durationMs: number | null;
}

/** The second run less the first; `null` where either side is unknown (I12). */
export interface Deltas {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: number | null;
  readonly durationMs: number | null;
}

/** Two steps that stand for each other, or one that has no counterpart. */
export interface StepRow {
  readonly a: StepBrief | null;
  readonly b: StepBrief | null;
  /** Parts that differ; empty when the steps are the same, and when one is missing. */
  readonly differs: readonly ComparedField[];
  readonly delta: Deltas;
}

/** Two runs, side by side. Times, tokens and cost are told and are no difference. */
export interface RunDifference {
  readonly a: RunView;
  readonly b: RunView;
  readonly isSame: boolean;
  readonly rows: readonly StepRow[];
  /** Index of the first row that differs or lacks a side; `null` when there is none. */
  readonly firstAt: number | null;
  readonly delta: Deltas & { readonly steps: number };
}

const less = (before: number | null | undefined, after: number | null | undefined): number | null =>
  before === null || before === undefined || after === null || after === undefined ? null : after - before;

function toBrief(step: StepView): StepBrief {
  const { number, kind, operation, name, status, preview, durationMs } = step;
  return {
    number,
    kind,
    operation,
    name,
    model: step.model ?? step.requestedModel,
    status,
    preview: preview === null ? null : preview.slice(0, 200),
    inputTokens: step.usage?.input.total ?? null,
    outputTokens: step.usage?.output.total ?? null,
    costNanoUsd: step.cost?.nanoUsd ?? null,
    durationMs,
  };
}

function toDeltas(a: StepBrief | null, b: StepBrief | null): Deltas {
  return {
    inputTokens: less(a?.inputTokens, b?.inputTokens),
    outputTokens: less(a?.outputTokens, b?.outputTokens),
    costNanoUsd: less(a?.costNanoUsd, b?.costNanoUsd),
    durationMs: less(a?.durationMs, b?.durationMs),
  };
}

/** What makes two steps counterparts: the kind of work. Which model did it, and on what, may differ. */
function toCoarse({ kind, operation, name }: StepView): string {
  const isLanguage = operation === null || operation === 'generate' || operation === 'stream';
  return JSON.stringify([kind, kind === 'model' && isLanguage ? 'language' : operation, name]);
}

const inputFields = ['messages', 'tools', 'request', 'args'] as const;

function toAligning(reading: RunReading, keys: readonly StepKeys[]): { fine: string; coarse: string }[] {
  return reading.steps.map((step, at) => {
    const coarse = toCoarse(step);
    return { coarse, fine: JSON.stringify([coarse, ...inputFields.map((field) => keys[at]![field])]) };
  });
}

function toRow(
  { a, b }: Aligned,
  sides: { a: RunReading; b: RunReading; keysA: readonly StepKeys[]; keysB: readonly StepKeys[] },
): StepRow {
  const briefA = a === null ? null : toBrief(sides.a.steps[a]!);
  const briefB = b === null ? null : toBrief(sides.b.steps[b]!);
  const differs =
    a === null || b === null ? [] : comparedFields.filter((field) => sides.keysA[a]![field] !== sides.keysB[b]![field]);
  return { a: briefA, b: briefB, differs, delta: toDeltas(briefA, briefB) };
}

/**
 * Compares two runs step by step. `isOneProject` promises that equal content ids mean equal contents, so that what both
 * share costs nothing; without it everything is read. `run-not-found` when there is none.
 */
export async function diffRuns(first: ComparedRun, second: ComparedRun, isOneProject: boolean): Promise<RunDifference> {
  const a = await readRun(first);
  const b = await readRun(second);
  const shared = isOneProject ? sharedIds(a, b) : { contents: new Set<string>(), nodes: new Set<string>() };
  const keysA = await readStepKeys(a, shared);
  const keysB = await readStepKeys(b, shared);
  const sides = { a, b, keysA, keysB };
  const rows = alignByAnchors(toAligning(a, keysA), toAligning(b, keysB)).map((aligned) => toRow(aligned, sides));
  const at = rows.findIndex((row) => row.a === null || row.b === null || row.differs.length > 0);
  return {
    a: a.run,
    b: b.run,
    isSame: at === -1,
    rows,
    firstAt: at === -1 ? null : at,
    delta: {
      steps: b.steps.length - a.steps.length,
      inputTokens: less(a.run.usage.input.total, b.run.usage.input.total),
      outputTokens: less(a.run.usage.output.total, b.run.usage.output.total),
      costNanoUsd: less(a.run.costNanoUsd, b.run.costNanoUsd),
      durationMs: less(a.run.durationMs, b.run.durationMs),
    },
  };
}
