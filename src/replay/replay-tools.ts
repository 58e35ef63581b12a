import { jsonChanges } from '../core/difference/json-changes.ts';
import type { TachographError } from '../core/error.ts';
import type { StepView } from '../core/model/step.ts';
import type { Comparer } from './comparison.ts';
import { createComparer } from './comparison.ts';
import type { Gap } from './divergence.ts';
import { divergenceToError, findGap, gapToError } from './divergence.ts';
import type { RecordedRun } from './recorded-run.ts';
import type { ReplayOptions } from './replay-model.ts';

interface Entry {
  readonly step: StepView;
  readonly args: unknown;
  isTaken: boolean;
}

interface Parts {
  readonly recorded: RecordedRun;
  readonly comparer: Comparer;
  readonly options: ReplayOptions;
}

async function readEntries({ recorded, comparer }: Parts): Promise<Entry[]> {
  const steps = recorded.steps.filter(({ kind }) => kind === 'tool');
  return Promise.all(
    steps.map(async (step) => {
      const text = await recorded.readText(step.argsId);
      return { step, args: text === null ? undefined : comparer.recorded(text), isTaken: false };
    }),
  );
}

const isSameCall = (entry: Entry, args: unknown): boolean =>
  entry.step.inputsWithheld || jsonChanges(entry.args, args).length === 0;

function diverge(recorded: RecordedRun, name: string, expected: Entry | undefined, args: unknown): TachographError {
  return divergenceToError({
    runId: recorded.run.id,
    stepNumber: expected?.step.number ?? null,
    summary:
      expected === undefined
        ? `the tool ${JSON.stringify(name)} is called once more than recorded`
        : `the arguments of the tool ${JSON.stringify(name)} differ`,
    changes: jsonChanges(expected?.args, args),
  });
}

/** The recorded end of a tool call: its result, or its error thrown. */
async function readResult({ recorded, options }: Parts, step: StepView): Promise<unknown> {
  if (step.status === 'error' && step.error !== null)
    throw Object.assign(new Error(step.error.message), { name: step.error.name });
  const text = await recorded.readText(step.resultId);
  const value: unknown = text === null ? null : JSON.parse(text);
  const missing = step.outputsWithheld
    ? { field: 'result', why: 'was withheld at its caller’s wish' }
    : text === null
      ? { field: 'result', why: step.status === 'completed' ? 'was not recorded' : 'was cut short' }
      : findGap(value, 'result');
  if (missing === null) return value;
  const gap: Gap = { runId: recorded.run.id, stepNumber: step.number, ...missing };
  const given = options.standIn?.(gap);
  if (given === undefined) throw gapToError(gap);
  return given;
}

/**
 * The tools of an agent, answering from a recording by name, arguments and order. What they would do is not done: their
 * `execute` is never called. Throws `replay-diverged` for a call that was not recorded so, and from then on;
 * `replay-not-recorded` where the result was not kept word for word. Tools without `execute` come back as they are.
 */
export function replayTools<T extends Readonly<Record<string, unknown>>>(
  recorded: RecordedRun,
  tools: T,
  options: ReplayOptions = {},
): T {
  const of: Parts = { recorded, options, comparer: createComparer(options.redact) };
  let loading: Promise<Entry[]> | null = null;
  let failure: TachographError | null = null;

  const answer = async (name: string, input: unknown): Promise<unknown> => {
    const entries = await (loading ??= readEntries(of));
    if (failure !== null) throw failure;
    const args = of.comparer.live(input);
    const left = entries.filter(({ step, isTaken }) => step.name === name && !isTaken);
    const found = left.find((entry) => isSameCall(entry, args));
    if (found === undefined) throw (failure = diverge(recorded, name, left[0], args));
    found.isTaken = true;
    return readResult(of, found.step);
  };

  const replayed = Object.entries(tools).map(([name, tool]) => {
    if (typeof tool !== 'object' || tool === null || !('execute' in tool) || typeof tool.execute !== 'function')
      return [name, tool] as const;
    return [name, { ...tool, execute: (input: unknown) => answer(name, input) }] as const;
  });
  return Object.fromEntries(replayed) as T;
}
