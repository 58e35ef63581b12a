/** Every code a TachographError can carry. Closed and pinned by a test: a code, once published, keeps its meaning. */
export const errorCodes = [
  'bad-argument',
  'bad-filter',
  'bad-cursor',
  'run-not-found',
  'step-not-found',
  'content-not-found',
  'key-not-found',
  'project-not-found',
  'prefix-ambiguous',
  'model-missing',
  'end-conflict',
  'journal-broken',
  'journal-newer',
  'store-broken',
  'store-newer',
  'store-busy',
  'store-closed',
  'home-unusable',
  'key-broken',
  'export-foreign',
  'batch-broken',
  'batch-foreign',
  'port-taken',
  'bind-refused',
  'replay-diverged',
  'replay-not-recorded',
  'internal',
  'idempotency-conflict',
  'agent-not-found',
  'schedule-not-found',
  'work-missing',
  'memo-conflict',
  'tool-blocked',
  'E-RUN-001',
  'E-RUN-002',
  'E-RUN-003',
  'E-RUN-004',
  'E-RUN-005',
  'E-RUN-006',
  'E-RUN-007',
  'E-RUN-008',
  'E-BUDGET-001',
  'E-BUDGET-002',
  'E-BUDGET-003',
  'E-BUDGET-004',
  'E-BUDGET-005',
  'E-BUDGET-006',
  'E-SCHEMA-001',
  'E-SCHEMA-002',
  'E-TENANT-001',
] as const;

/** One of the closed list of codes. */
export type ErrorCode = (typeof errorCodes)[number];

/**
 * The one error class of the project. The message says what failed, with which value, and what to do;
 * `code` is for programs and never changes its meaning.
 */
export class TachographError extends Error {
  override readonly name = 'TachographError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** True for our own errors, also across two copies of this module in one process. */
export function isTachographError(value: unknown): value is TachographError {
  return value instanceof Error && value.name === 'TachographError' && 'code' in value;
}
