import { TachographError } from '../../core/error.ts';

/** A JSON Schema of draft 2020-12: an object, or `true` and `false`, which allow everything and nothing. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

/** Largest schema, in characters of its JSON text. */
export const schemaCharsMax = 256 * 1024;
/** Deepest schema: objects and arrays inside each other. */
export const schemaDepthMax = 128;
const schemaNodesMax = 50_000;

const draft = 'https://json-schema.org/draft/2020-12/schema';

function bad(why: string, cause?: unknown): TachographError {
  return new TachographError('E-SCHEMA-002', `the schema cannot be used: ${why}`, { cause });
}

/** Goes through a schema without recursion, so that neither a circle nor a shared part written out can run away. */
function checkBounds(schema: object): void {
  const waiting: { readonly value: object; readonly depth: number }[] = [{ value: schema, depth: 1 }];
  let nodes = 0;
  let chars = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.depth > schemaDepthMax)
      throw bad(`it is nested deeper than ${schemaDepthMax} levels, or holds itself; use $ref and $defs instead`);
    for (const [key, value] of Object.entries(next.value) as [string, unknown][]) {
      nodes += 1;
      chars += key.length + (typeof value === 'string' ? value.length : 1);
      if (nodes > schemaNodesMax) throw bad(`it has more than ${schemaNodesMax} parts`);
      if (chars > schemaCharsMax) throw bad(`it is longer than ${schemaCharsMax} characters`);
      if (typeof value === 'object' && value !== null) waiting.push({ value, depth: next.depth + 1 });
    }
  }
}

/** `$schema` may be left out; another draft gives some of the same words another meaning. */
function checkDraft(schema: object): void {
  const named = (schema as { $schema?: unknown }).$schema;
  if (named === undefined) return;
  if (typeof named === 'string' && named.replace(/#$/, '') === draft) return;
  const shown = typeof named === 'string' && named.length <= 200 ? named : typeof named;
  throw bad(
    `its $schema says ${shown}; only draft 2020-12 is read (take $schema out if the schema holds there as well)`,
  );
}

/** The schema as JSON text; throws E-SCHEMA-002 for what is no schema, is too large or deep, or of another draft. */
export function schemaToText(schema: unknown): string {
  if (typeof schema === 'boolean') return String(schema);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw bad('it is neither an object nor a boolean');
  checkBounds(schema);
  checkDraft(schema);
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch (error) {
    throw bad('it cannot be written as JSON', error);
  }
  if (text === undefined) throw bad('it cannot be written as JSON');
  if (text.length > schemaCharsMax) throw bad(`it is longer than ${schemaCharsMax} characters`);
  return text;
}
