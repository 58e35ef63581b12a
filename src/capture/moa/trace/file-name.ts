import { sha256Hex } from '../../../core/digest.ts';

/** The file of traces that belong to no session. */
const unknownName = 'unknown-session';

/** Ids that may stand for themselves: no other id comes to the same name, also on a disk that ignores case. */
const plainId = /^(?!\.)[a-z0-9\-_.]{1,100}$/;

function toName(sessionId: string | null): string {
  if (sessionId === null) return unknownName;
  // The name for no session at all is nobody's id.
  if (plainId.test(sessionId) && sessionId !== unknownName) return sessionId;
  const cleaned = sessionId
    .toLowerCase()
    .replaceAll(/[^a-z0-9\-_.]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  return `${cleaned === '' ? 'session' : cleaned}~${sha256Hex(sessionId).slice(0, 12)}`;
}

/** The name of a session's trace file; `rotation` counts from 0. Two sessions never share one. Pure. */
export function sessionToFileName(sessionId: string | null, rotation: number): string {
  return `${toName(sessionId)}${rotation === 0 ? '' : `~${rotation}`}.jsonl`;
}
