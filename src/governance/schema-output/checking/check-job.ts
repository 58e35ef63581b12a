import type { SchemaViolation } from '../violation.ts';

/** What the checking thread is asked. Texts only: nothing of the program is shared with it. */
export interface CheckJob {
  /** `compile` reads the schema, `check` judges an answer by it up to its first violation, `list` finds more of them. */
  readonly kind: 'compile' | 'check' | 'list';
  /** JSON text of the schema. */
  readonly schema: string;
  /** JSON text of the answer; empty for `compile`. */
  readonly output: string;
}

/** What the checking thread says. */
export type CheckVerdict =
  /** The schema was read, or the answer is valid. */
  | { readonly kind: 'good' }
  /** The schema cannot be used. */
  | { readonly kind: 'bad-schema'; readonly message: string }
  | { readonly kind: 'invalid'; readonly violations: readonly SchemaViolation[] }
  /** There is too little memory left to begin: a new thread may have it. */
  | { readonly kind: 'full' }
  /** The schema led the check astray, most often by referring to itself without end. */
  | { readonly kind: 'failed'; readonly message: string };

/** Why a job was stopped: its time was up, its memory was full, or the thread ended by itself. */
export type Overrun = { readonly kind: 'over'; readonly of: 'time' | 'memory' | 'thread'; readonly message: string };
