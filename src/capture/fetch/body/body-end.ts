/**
 * When an HTTP body counts as whole. A pure state machine, fed with what was read.
 *
 *                 chunk                     eof | left after a whole document or the last event
 *   ┌─ reading ◄────────┐ ──────────────────────────────────────────────────► completed ─┐
 *   │     │  └──────────┘   known length reached                                         │
 *   │     │                                                                              │ event stream:
 *   │     └── left early | eof before the known length | second document | error ─► failed ◄── late error
 *   └─ no body to come (HEAD, 1xx, 204, 304) ────────────────────────────────► completed
 */

/** What is known of a body before it is read. */
export interface BodyExpectation {
  readonly method: string;
  readonly status: number;
  /** Bytes announced, on the wire; `null` when not announced or not countable where the body is read. */
  readonly length: number | null;
  readonly kind: 'event-stream' | 'json' | 'other';
}

/** Where a body stands. */
export interface BodyState {
  readonly expected: BodyExpectation;
  readonly phase: 'reading' | 'completed' | 'failed';
  /** Why it failed, or `null`. */
  readonly reason: 'left-early' | 'short' | 'two-documents' | 'error' | null;
  readonly bytes: number;
  readonly scan: JsonScan;
  /** The provider's last event of a stream has been seen. */
  readonly isTold: boolean;
}

/** What happened to a body. */
export type BodyEvent =
  | { readonly type: 'chunk'; readonly bytes: number; readonly text?: Uint8Array }
  | { readonly type: 'told-end' }
  | { readonly type: 'eof' }
  | { readonly type: 'left' }
  | { readonly type: 'error' };

/** A walk over JSON bytes that counts whole documents. */
export interface JsonScan {
  readonly documents: number;
  readonly depth: number;
  readonly isInString: boolean;
  readonly isEscaped: boolean;
  /** A number, word or string outside any bracket is being read. */
  readonly isInScalar: boolean;
}

const noScan: JsonScan = { documents: 0, depth: 0, isInString: false, isEscaped: false, isInScalar: false };

/** Walks on over the next bytes. */
export function nextJsonScan(scan: JsonScan, bytes: Uint8Array): JsonScan {
  let { documents, depth, isInString, isEscaped, isInScalar } = scan;
  for (const code of bytes) {
    if (isInString) {
      if (isEscaped) isEscaped = false;
      else if (code === 92) isEscaped = true;
      else if (code === 34) {
        isInString = false;
        if (depth === 0) documents += 1;
      }
    } else if (code === 34) isInString = true;
    else if (code === 123 || code === 91) depth += 1;
    else if (code === 125 || code === 93) {
      depth -= 1;
      if (depth === 0) documents += 1;
    } else if (depth === 0) {
      const isSpace = code <= 32;
      if (isInScalar && isSpace) documents += 1;
      isInScalar = !isSpace;
    }
  }
  return { documents, depth, isInString, isEscaped, isInScalar };
}

const isWhole = (scan: JsonScan): boolean =>
  scan.documents === 1 && scan.depth === 0 && !scan.isInString && !scan.isInScalar;
const isSecond = (scan: JsonScan): boolean =>
  scan.documents > 1 || (scan.documents === 1 && (scan.depth > 0 || scan.isInString || scan.isInScalar));

/** The state before anything was read. */
export function beginBody(expected: BodyExpectation): BodyState {
  const { method, status, length } = expected;
  const isEmpty = method === 'HEAD' || status === 204 || status === 304 || (status >= 100 && status < 200);
  const state: BodyState = { expected, phase: 'reading', reason: null, bytes: 0, scan: noScan, isTold: false };
  return isEmpty || length === 0 ? { ...state, phase: 'completed' } : state;
}

const failed = (state: BodyState, reason: BodyState['reason']): BodyState => ({ ...state, phase: 'failed', reason });

function nextOnChunk(state: BodyState, event: { bytes: number; text?: Uint8Array }): BodyState {
  const { kind, length } = state.expected;
  const scan = kind === 'json' && event.text !== undefined ? nextJsonScan(state.scan, event.text) : state.scan;
  const read: BodyState = { ...state, bytes: state.bytes + event.bytes, scan };
  if (kind === 'json' && isSecond(scan)) return failed(read, 'two-documents');
  return length !== null && read.bytes >= length ? { ...read, phase: 'completed' } : read;
}

function nextOnEof(state: BodyState): BodyState {
  const { length } = state.expected;
  return length !== null && state.bytes < length ? failed(state, 'short') : { ...state, phase: 'completed' };
}

function nextOnLeft(state: BodyState): BodyState {
  const { kind, length } = state.expected;
  const isDocument = kind === 'json' && length === null && isWhole(state.scan);
  return isDocument || state.isTold ? { ...state, phase: 'completed' } : failed(state, 'left-early');
}

/** The state after an event. A body that failed stays so; a completed one falls only to what contradicts it. */
export function nextBody(state: BodyState, event: BodyEvent): BodyState {
  if (state.phase === 'failed') return state;
  if (state.phase === 'completed') {
    // Read to its end, an event stream may still tell that its connection broke.
    const isLate = event.type === 'error' && state.expected.kind === 'event-stream';
    const isMore = event.type === 'chunk' && state.expected.kind === 'json';
    return isLate ? failed(state, 'error') : isMore ? nextOnChunk(state, event) : state;
  }
  switch (event.type) {
    case 'chunk':
      return nextOnChunk(state, event);
    case 'told-end':
      return { ...state, isTold: true };
    case 'eof':
      return nextOnEof(state);
    case 'left':
      return nextOnLeft(state);
    case 'error':
      return failed(state, 'error');
  }
}
