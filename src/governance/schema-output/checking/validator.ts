import { getHeapStatistics } from 'node:v8';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { CheckJob, CheckVerdict } from './check-job.ts';
import type { SchemaViolation } from '../violation.ts';
import { violationsMax } from '../violation.ts';

// Runs in the checking thread alone: what is in here may take for ever, and is stopped from outside.

/** Schemas kept compiled: the latest, as many as have so many characters together. */
const keptCharsMax = 512 * 1024;
/** Longer names and lists are left out of messages rather than cut: half a secret must not get into the record (I4). */
const shownCharsMax = 300;

interface Compiled {
  readonly first: ValidateFunction;
  all: ValidateFunction | null;
}

/** JSON text grows to 20 bytes a character when it is parsed (`{},{},…`, 2026-11-21); the rest is for what works on it. */
const bytesPerChar = 32;
const spareBytes = 16 * 1024 * 1024;

/**
 * True when text of this length can be parsed. A thread is ended when its heap is full, but only where its code can be
 * interrupted: a heap that fills up within the parser of the engine ends the whole program.
 */
function hasRoom(chars: number): boolean {
  const { heap_size_limit: limit, used_heap_size: used } = getHeapStatistics();
  return limit - used > chars * bytesPerChar + spareBytes;
}

class BadSchema extends Error {}

/** Values that send a schema that refers to itself without end on its way before a model is asked. */
const probes: readonly unknown[] = [null, true, 0, '', [], {}];

function compile(schema: string, allErrors: boolean): ValidateFunction {
  // One instance a schema: two schemas may bear the same $id.
  const ajv = new Ajv2020({
    strict: false,
    strictNumbers: true,
    // Else an empty object has a "constructor".
    ownProperties: true,
    // Else a schema that refers a thousand times to a large part becomes a thousand times as large.
    inlineRefs: false,
    formats: fullFormats,
    // Reading 2,000 properties with patterns takes 1.5 s, with the optimiser 3.5 (2026-11-21).
    code: { optimize: false },
    logger: false,
    allErrors,
  });
  const validate = ajv.compile(JSON.parse(schema) as object | boolean);
  // Its promise would pass for "valid".
  if ('$async' in validate) throw new BadSchema('$async is not part of JSON Schema');
  return validate;
}

function schemaWords(error: unknown): string {
  const { message, missingRef } = error as Error & { missingRef?: unknown };
  if (error instanceof RangeError) return 'it is too large, too deep, or refers to itself without end';
  if (typeof missingRef === 'string' && missingRef.length <= shownCharsMax)
    return `$ref ${missingRef} is not in it; nothing is fetched, so put what is meant under $defs`;
  return message.length <= shownCharsMax ? message : 'it is not valid by draft 2020-12';
}

function compileBoth(schema: string): Compiled {
  try {
    const first = compile(schema, false);
    for (const probe of probes) first(probe);
    return { first, all: null };
  } catch (error) {
    throw new BadSchema(schemaWords(error), { cause: error });
  }
}

/** What a message leaves out and a model needs: which property, which values. */
function detailOf({ keyword, params }: ErrorObject): string {
  const { allowedValues, allowedValue, additionalProperty, unevaluatedProperty, propertyName } = params as Record<
    string,
    unknown
  >;
  const shown = {
    enum: allowedValues,
    const: allowedValue,
    additionalProperties: additionalProperty,
    unevaluatedProperties: unevaluatedProperty,
    propertyNames: propertyName,
  }[keyword];
  const text = shown === undefined ? '' : JSON.stringify(shown);
  return text === '' || text.length > shownCharsMax ? '' : `: ${text}`;
}

function toViolation(error: ErrorObject): SchemaViolation {
  const { instancePath, keyword, message = '' } = error;
  const path = instancePath.length <= shownCharsMax ? instancePath : '/…';
  const words = message.length <= shownCharsMax ? message : `must hold by the schema's "${keyword}"`;
  return { path, keyword, message: `${words}${detailOf(error)}` };
}

function judge(compiled: Compiled, { kind, schema, output }: CheckJob): CheckVerdict {
  const validate = kind === 'list' ? (compiled.all ??= compile(schema, true)) : compiled.first;
  if (validate(JSON.parse(output))) return { kind: 'good' };
  return { kind: 'invalid', violations: (validate.errors ?? []).slice(0, violationsMax).map(toViolation) };
}

/** The latest schemas, compiled. */
function createShelf(): (schema: string) => Compiled {
  const compiledBySchema = new Map<string, Compiled>();
  let chars = 0;
  const drop = (schema: string): void => {
    if (compiledBySchema.delete(schema)) chars -= schema.length;
  };
  return (schema) => {
    const found = compiledBySchema.get(schema) ?? compileBoth(schema);
    drop(schema);
    for (const oldest of compiledBySchema.keys()) {
      if (chars + schema.length <= keptCharsMax) break;
      drop(oldest);
    }
    compiledBySchema.set(schema, found);
    chars += schema.length;
    return found;
  };
}

/** Answers jobs one at a time and remembers the latest schemas. Never throws. */
export function createValidator(): (job: CheckJob) => CheckVerdict {
  const find = createShelf();
  return (job) => {
    try {
      if (!hasRoom(job.schema.length + job.output.length)) return { kind: 'full' };
      const compiled = find(job.schema);
      if (job.kind === 'compile') return { kind: 'good' };
      return hasRoom(job.output.length) ? judge(compiled, job) : { kind: 'full' };
    } catch (error) {
      if (error instanceof BadSchema) return { kind: 'bad-schema', message: error.message };
      const isEndless = error instanceof RangeError;
      return { kind: 'failed', message: isEndless ? 'the schema refers to itself without end' : String(error) };
    }
  };
}
