import { TachographError } from '../../core/error.ts';
import type { Usage } from '../../core/model/usage.ts';
import type { RunClose } from '../../core/record/recording.ts';
import type { SchemaViolation } from './violation.ts';
import { violationToText } from './violation.ts';

/** What all tries used together. A bucket that no answer reported is `null`, never 0 (I12). */
export interface TriesUsed {
  /** How many tries there were, the last one included. */
  readonly tries: number;
  readonly usage: Usage;
  /** Whole nano-USD; `null` when what one of the tries cost was not reported. */
  readonly costNanoUsd: number | null;
}

/** How an answer was got by a schema: the valid value, or the violations of the last try. */
export type SchemaOutcome<T = unknown> =
  | (TriesUsed & { readonly ok: true; readonly value: T })
  | (TriesUsed & {
      readonly ok: false;
      readonly code: 'E-SCHEMA-001';
      /** What was wrong with the last answer; at least one, at most 20. */
      readonly errors: readonly SchemaViolation[];
    });

/** What to close a run with whose work this was: `ok` with the value as output, or `schema_invalid` with the errors. */
export function outcomeToRunClose(outcome: SchemaOutcome): RunClose {
  if (outcome.ok) return { endReason: 'ok', output: outcome.value };
  const error = new TachographError(
    outcome.code,
    `no answer in ${outcome.tries} ${outcome.tries === 1 ? 'try' : 'tries'} was valid against the schema; of the last one: ${outcome.errors.map(violationToText).join('; ')}`,
  );
  return { endReason: 'schema_invalid', error };
}
