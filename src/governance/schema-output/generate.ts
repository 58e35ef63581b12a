import { hash } from 'node:crypto';
import { TachographError } from '../../core/error.ts';
import { addUsage, unknownUsage } from '../../core/model/usage.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import { untilAborted } from './abort.ts';
import type { CheckThread } from './checking/check-thread.ts';
import { createCheckThread } from './checking/check-thread.ts';
import type { Refusal } from './feedback.ts';
import { refusalToMessages } from './feedback.ts';
import type { CallModel, ModelAnswer } from './model-call.ts';
import { usageOf } from './model-call.ts';
import type { SchemaOutcome, TriesUsed } from './outcome.ts';
import type { Reading } from './reading.ts';
import { compileSchema, readAnswer } from './reading.ts';
import type { JsonSchema } from './schema-text.ts';
import { schemaToText } from './schema-text.ts';
import type { StepWords, TryPlace } from './try-record.ts';
import { beginTry } from './try-record.ts';

// One call of generateWithSchema:
//
//   schema ─► text ─► compiled ─► ask the model ─► read the answer ─┬─ valid ──────────────► ok, value
//     │                  │           ▲                              │
//     └──────────────────┴─► throws  └── messages + what was wrong ─┴─ refused, tries left
//             E-SCHEMA-002                                          │
//                                                                   └─ refused, none left ─► E-SCHEMA-001, errors

/** Most tries of one call. */
export const triesMax = 3;
/** Largest answer that is read, in characters, unless said. */
export const outputCharsMax = 1_000_000;
/** How long the check of one answer may take unless said. */
export const checkMs = 2_000;

/** What is wanted of a model, and how it is asked. */
export interface SchemaCall {
  /** JSON Schema of draft 2020-12, at most 256 KiB. References lead into the schema itself; nothing is fetched. */
  readonly schema: JsonSchema;
  /** What the model sees in the first try. It has to learn the schema from them, or from what `call` sends along. */
  readonly messages: readonly unknown[];
  readonly call: CallModel;
  readonly run: RunRecorder;
  /**
   * Who records the call: `step` makes a model step of each try; `capture` leaves that to the capture of the client in
   * use, and only says what became of each answer.
   */
  readonly recordedBy?: 'step' | 'capture';
  /** What the record says of the model, where the step is made here. */
  readonly step?: StepWords;
  /** 1 to 3; 3 unless said. */
  readonly triesMax?: number;
  /** A longer answer is refused before it is read, and withheld from the record; in characters, at most
   * 2,000,000. 1,000,000 unless said. */
  readonly outputCharsMax?: number;
  /** A check that takes longer refuses the answer; in milliseconds. 2000 unless said. */
  readonly checkMs?: number;
  /** Aborts the call under way and the tries after it. */
  readonly signal?: AbortSignal;
  /** Words the messages that a refused answer adds. */
  readonly feedback?: (refusal: Refusal) => readonly unknown[];
}

let shared: CheckThread | null = null;
/** One thread for the process: checks are short, and one that is not holds up the others by its deadline at most. */
const sharedThread = (): CheckThread => (shared ??= createCheckThread());

function countOf(name: string, value: number | undefined, bounds: { unless: number; most: number }): number {
  const { unless, most } = bounds;
  if (value === undefined) return unless;
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new TachographError('bad-argument', `${name} is ${String(value)}; it must be a whole number from 1 to ${most}`);
}

interface Plan {
  readonly call: SchemaCall;
  readonly reading: Reading;
  readonly place: TryPlace;
  readonly triesMax: number;
  readonly signal: AbortSignal;
  readonly schemaDigest: string;
}

function planOf(call: SchemaCall): Plan {
  if (!Array.isArray(call.messages))
    throw new TachographError('bad-argument', 'messages must be a list: what the model sees, system prompt first');
  const schema = schemaToText(call.schema);
  const charsMax = countOf('outputCharsMax', call.outputCharsMax, { unless: outputCharsMax, most: 2_000_000 });
  const deadlineMs = countOf('checkMs', call.checkMs, { unless: checkMs, most: 60_000 });
  return {
    call,
    reading: { schema, thread: sharedThread(), charsMax, checkMs: deadlineMs },
    place: {
      run: call.run,
      isCaptured: call.recordedBy === 'capture',
      words: call.step ?? {},
      textCharsMax: charsMax,
    },
    triesMax: countOf('triesMax', call.triesMax, { unless: triesMax, most: triesMax }),
    signal: call.signal ?? new AbortController().signal,
    schemaDigest: hash('sha256', schema),
  };
}

function checkAnswer(answer: ModelAnswer): ModelAnswer {
  if (typeof (answer as Partial<ModelAnswer> | null | undefined)?.text === 'string') return answer;
  throw new TachographError('bad-argument', 'what calls the model must resolve with an object whose text is a string');
}

/** One try: the answer, once its record has its end. */
async function ask(plan: Plan, messages: readonly unknown[], attempt: number) {
  const { signal, call } = plan;
  signal.throwIfAborted();
  const record = beginTry(plan.place, messages, { schemaTry: attempt, schemaDigest: plan.schemaDigest });
  const answering = record.ask(async () => checkAnswer(await call.call({ messages, attempt, signal })));
  return { answer: await untilAborted(answering, signal, record.leave), record };
}

function addUsed(used: TriesUsed, answer: ModelAnswer): TriesUsed {
  const costNanoUsd = answer.cost?.nanoUsd ?? null;
  return {
    tries: used.tries + 1,
    usage: addUsage(used.usage, usageOf(answer) ?? unknownUsage),
    costNanoUsd: used.costNanoUsd === null || costNanoUsd === null ? null : used.costNanoUsd + costNanoUsd,
  };
}

/**
 * Asks a model until its answer is valid against the schema, at most three times, telling it each time what was wrong.
 * Text or a code fence around the JSON is tolerated once. Throws E-SCHEMA-002 for a schema that cannot be used, before any
 * call, and what the call throws; never for an answer. Does not close the run: `outcomeToRunClose` says with what.
 */
export async function generateWithSchema<T = unknown>(call: SchemaCall): Promise<SchemaOutcome<T>> {
  const plan = planOf(call);
  await compileSchema(plan.reading);
  let messages = call.messages;
  let used: TriesUsed = { tries: 0, usage: unknownUsage, costNanoUsd: 0 };
  let isWrappingLeft = true;
  for (;;) {
    const { answer, record } = await ask(plan, messages, used.tries + 1);
    used = addUsed(used, answer);
    const read = await readAnswer(plan.reading, answer.text, isWrappingLeft);
    if (read.wrapping !== null) isWrappingLeft = false;
    const { tries } = used;
    record.log({
      ...{ try: tries, triesMax: plan.triesMax, schemaDigest: plan.schemaDigest, outputChars: answer.text.length },
      ...{ isValid: read.ok, wrapping: read.wrapping, errors: read.ok ? [] : read.errors },
    });
    if (read.ok) return { ok: true, value: read.value as T, ...used };
    if (tries === plan.triesMax) return { ok: false, code: 'E-SCHEMA-001', errors: read.errors, ...used };
    const refusal: Refusal = { text: answer.text, errors: read.errors, attempt: tries, triesMax: plan.triesMax };
    messages = [...messages, ...(call.feedback ?? refusalToMessages)(refusal)];
  }
}
