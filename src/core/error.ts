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
