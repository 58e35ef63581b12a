import { createHmac, timingSafeEqual } from 'node:crypto';
import { TachographError } from '../error.ts';
import { isProjectId, parseProjectId } from './project.ts';

// A key is  tk_<project>.<12 hex>_<48 hex>
//              └───── id ───────┘ └ secret ┘
//
// The id names the project, so that a store with row-level security can be asked for the key as that project. Only a
// keyed hash of the secret is stored: whoever reads the store can neither use a key nor try guesses against it.

/** What a key may do. `admin` may do all of it; an `ingest` key can't read. */
export const scopes = ['ingest', 'read', 'run', 'approve', 'admin'] as const;

/** One of the closed list of scopes. */
export type Scope = (typeof scopes)[number];

/** A key as it is listed: nothing of its secret. */
export interface ApiKey {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  /** From then on it is refused; `null` for never. */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** A key as it is stored. */
export interface StoredKey extends ApiKey {
  /** HMAC-SHA-256 of id and secret, 64 hex digits. */
  readonly hash: string;
}

/** What whoever presents a key says. */
export interface PresentedKey {
  readonly id: string;
  readonly projectId: string;
  readonly secret: string;
}

/** Random bytes of a key: 6 for its id, 24 for its secret. */
export const keyRandomBytes = 30;
const idBytes = 6;
const nameMax = 200;
const form = /^tk_(([^.]{1,63})\.[0-9a-f]{12})_([0-9a-f]{48})$/;

function hashOf({ id, secret }: { id: string; secret: string }, pepper: Uint8Array): Buffer {
  return createHmac('sha256', pepper).update(`tachograph-key\n${id}\n${secret}`).digest();
}

const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text);

/** Scopes by name, each once, in the list's order. `bad-argument` for none, and for a word that is no scope. */
export function parseScopes(names: readonly string[]): readonly Scope[] {
  const wrong = names.find((name) => !isScope(name));
  if (wrong !== undefined || names.length === 0)
    throw new TachographError(
      'bad-argument',
      `${wrong === undefined ? 'No scope is given' : `${JSON.stringify(wrong.slice(0, 80))} is no scope`}; give one or more of ${scopes.join(', ')}.`,
    );
  return scopes.filter((scope) => names.includes(scope));
}

/** What a new key is made of. */
export interface KeyStart {
  readonly projectId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs?: number | null;
  readonly nowMs: number;
  /** `keyRandomBytes` bytes from a source that nobody can guess. */
  readonly random: Uint8Array;
  /** The server's own secret. */
  readonly pepper: Uint8Array;
}

/** A new key: the text to show once, and what is stored. Throws `bad-argument` for a bad project, name or expiry. */
export function createKey(start: KeyStart): { text: string; stored: StoredKey } {
  const projectId = parseProjectId(start.projectId);
  const { name, random, nowMs, expiresAtMs = null } = start;
  if (random.length !== keyRandomBytes)
    throw new TypeError(`a key takes ${keyRandomBytes} random bytes, not ${random.length}`);
  if (name.length === 0 || name.length > nameMax)
    throw new TachographError('bad-argument', `The key's name has ${name.length} characters; give 1 to ${nameMax}.`);
  if (expiresAtMs !== null && expiresAtMs <= nowMs)
    throw new TachographError('bad-argument', 'The key would have expired before it is made; give a later time.');
  const digits = Buffer.from(random).toString('hex');
  const id = `${projectId}.${digits.slice(0, idBytes * 2)}`;
  const secret = digits.slice(idBytes * 2);
  const stored: StoredKey = {
    id,
    projectId,
    name,
    scopes: parseScopes(start.scopes),
    createdAtMs: nowMs,
    expiresAtMs,
    revokedAtMs: null,
    hash: hashOf({ id, secret }, start.pepper).toString('hex'),
  };
  return { text: `tk_${id}_${secret}`, stored };
}

/** The parts of a key's text; `null` for what is none. */
export function parseKey(text: string): PresentedKey | null {
  const [, id, projectId, secret] = form.exec(text) ?? [];
  if (id === undefined || projectId === undefined || secret === undefined || !isProjectId(projectId)) return null;
  return { id, projectId, secret };
}

/** True for the key's own secret, in a time that tells nothing of how much of it is right. */
export function isKeySecret(stored: StoredKey, presented: PresentedKey, pepper: Uint8Array): boolean {
  const expected = Buffer.from(stored.hash, 'hex');
  const given = hashOf(presented, pepper);
  return stored.id === presented.id && expected.length === given.length && timingSafeEqual(expected, given);
}

/** True while a key is neither revoked nor expired. */
export function isKeyLive(key: ApiKey, nowMs: number): boolean {
  return key.revokedAtMs === null && (key.expiresAtMs === null || nowMs < key.expiresAtMs);
}

/** True when these scopes allow what asks for one. */
export function allowsScope(granted: readonly Scope[], needed: Scope): boolean {
  return granted.includes(needed) || granted.includes('admin');
}

/** A key as it may be shown: without its hash. */
export function toApiKey({ hash: _hash, ...shown }: StoredKey): ApiKey {
  return shown;
}
