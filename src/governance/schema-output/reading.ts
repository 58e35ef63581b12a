import { TachographError } from '../../core/error.ts';
import type { Overrun } from './checking/check-job.ts';
import type { CheckThread, Told } from './checking/check-thread.ts';
import { parseAnswer } from './parsing.ts';
import type { Wrapping } from './unwrapping.ts';
import { unwrapJson } from './unwrapping.ts';
import type { SchemaViolation } from './violation.ts';
import { wholeViolation } from './violation.ts';

/** What answers are read by. */
export interface Reading {
  /** JSON text of the schema. */
  readonly schema: string;
  readonly thread: CheckThread;
  readonly charsMax: number;
  readonly checkMs: number;
}

/** An answer that was read. `wrapping` is what was taken off it, `null` when nothing was. */
export type ReadAnswer =
  | { readonly ok: true; readonly value: unknown; readonly wrapping: Wrapping | null }
  | { readonly ok: false; readonly errors: readonly SchemaViolation[]; readonly wrapping: Wrapping | null };

/** Answers up to this length are asked for all of their violations; of longer ones the first is told. */
const listedCharsMax = 64 * 1024;

/** Has the schema read; throws E-SCHEMA-002 when it cannot be used. */
export async function compileSchema({ schema, thread }: Reading): Promise<void> {
  const verdict = await thread.compile(schema);
  if (verdict.kind === 'good') return;
  const why = verdict.kind === 'invalid' ? 'it was taken for an answer' : verdict.message;
  if (verdict.kind === 'over' && verdict.of === 'thread')
    throw new TachographError('internal', `the thread that reads schemas ended by itself: ${why}`);
  throw new TachographError('E-SCHEMA-002', `the schema cannot be used: ${why}`);
}

const overWords: Record<Overrun['of'], string> = {
  time: 'could not be checked in time; a shorter answer may be',
  memory: 'needed too much memory to check; a shorter answer may not',
  thread: 'could not be checked: the thread that did ended',
};

function verdictToErrors(verdict: Exclude<Told, { kind: 'good' }>): readonly SchemaViolation[] {
  if (verdict.kind === 'invalid') return verdict.violations;
  if (verdict.kind === 'over')
    return [wholeViolation(verdict.of === 'thread' ? 'check' : verdict.of, overWords[verdict.of])];
  return [wholeViolation('check', `could not be checked: ${verdict.message}`)];
}

/** All violations of an answer that has one, as far as they can be had within the same bounds. */
async function listErrors(reading: Reading, output: string, first: readonly SchemaViolation[]) {
  if (output.length > listedCharsMax) return first;
  const { schema, thread, checkMs } = reading;
  const verdict = await thread.ask({ kind: 'list', schema, output }, checkMs);
  return verdict.kind === 'invalid' && verdict.violations.length > 0 ? verdict.violations : first;
}

/**
 * Reads an answer: its size, then its JSON, its depth, and the schema in the checking thread, each only when what is before
 * it held. `isWrappingAllowed`: text or a fence around the JSON is taken off. The value is the one that was checked.
 */
export async function readAnswer(reading: Reading, text: string, isWrappingAllowed: boolean): Promise<ReadAnswer> {
  const refuse = (keyword: string, message: string): ReadAnswer => ({
    ok: false,
    errors: [wholeViolation(keyword, message)],
    wrapping: null,
  });
  if (text.length > reading.charsMax)
    return refuse('size', `is ${text.length} characters long; ${reading.charsMax} is the most`);
  const { json, wrapping, found } = unwrapJson(text);
  if (found > 1) return refuse('alone', 'must be one JSON value alone, and holds more than one');
  if (wrapping !== null && json !== null && !isWrappingAllowed)
    return refuse('alone', 'must be JSON alone, with no text and no code fence around it');
  const parsed = parseAnswer(json ?? text);
  const taken = json === null ? null : wrapping;
  if (!parsed.ok) return { ok: false, errors: [parsed.violation], wrapping: taken };
  const { schema, thread, checkMs } = reading;
  const output = json ?? text;
  const verdict = await thread.ask({ kind: 'check', schema, output }, checkMs);
  if (verdict.kind === 'good') return { ok: true, value: parsed.value, wrapping: taken };
  const errors = verdictToErrors(verdict);
  return {
    ok: false,
    errors: verdict.kind === 'invalid' ? await listErrors(reading, output, errors) : errors,
    wrapping: taken,
  };
}
