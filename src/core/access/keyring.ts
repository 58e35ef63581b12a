import { TachographError } from '../error.ts';
import type { Directory } from './directory.ts';
import type { ApiKey, Scope } from './key.ts';
import { createKey, isKeyLive, keyRandomBytes, parseKey, toApiKey } from './key.ts';

/** A key just made, with its text: the only time that it is told. */
export interface NewKey {
  readonly key: ApiKey;
  readonly text: string;
}

/** Makes, rotates and revokes keys, each named by its id or by its whole text. Throws `key-not-found`, `project-not-found`, and `bad-argument` for bad input. */
export interface Keyring {
  create(of: {
    projectId: string;
    name: string;
    scopes: readonly Scope[];
    expiresAtMs?: number | null;
  }): Promise<NewKey>;
  /**
   * A key with the same name and scopes, and as long a life if the old one's is bounded; the old one works for `overlapMs` more,
   * or until it expires if that is sooner. `bad-argument` for one that is revoked or has expired.
   */
  rotate(projectId: string, keyId: string, overlapMs: number): Promise<NewKey>;
  /** Refused everywhere within a second. Revoking again changes nothing. */
  revoke(projectId: string, keyId: string): Promise<ApiKey>;
}

/** What a keyring is made of. */
export interface KeyringParts {
  readonly directory: Directory;
  /** The server's own secret. */
  readonly pepper: Uint8Array;
  readonly nowMs: () => number;
  /** Bytes from a source that nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** How long the old key of a rotation works unless said: a day. */
export const overlapMsDefault = 86_400_000;

/** A keyring over a directory. */
export function createKeyring({ directory, pepper, nowMs, randomBytes }: KeyringParts): Keyring {
  const find = async (projectId: string, reference: string) => {
    const key = await directory.findKey(projectId, parseKey(reference)?.id ?? reference);
    if (key !== null) return key;
    // Whoever gives the whole key for its id must not find its secret in a log.
    const said = reference.slice(0, 200).replaceAll(/[0-9a-f]{24,}/gi, '…');
    throw new TachographError('key-not-found', `There is no key ${JSON.stringify(said)} in the project.`);
  };
  const create: Keyring['create'] = async (of) => {
    if ((await directory.getProject(of.projectId)) === null)
      throw new TachographError(
        'project-not-found',
        `There is no project ${JSON.stringify(of.projectId.slice(0, 80))}; make it first.`,
      );
    const { text, stored } = createKey({ ...of, nowMs: nowMs(), random: randomBytes(keyRandomBytes), pepper });
    await directory.putKey(stored);
    return { key: toApiKey(stored), text };
  };
  return {
    create,
    async rotate(projectId, keyId, overlapMs) {
      const old = await find(projectId, keyId);
      if (old.revokedAtMs !== null)
        throw new TachographError('bad-argument', `The key ${old.id} is revoked; make a new one instead.`);
      if (!isKeyLive(old, nowMs()))
        throw new TachographError('bad-argument', `The key ${old.id} has expired; make a new one instead.`);
      const expiresAtMs = old.expiresAtMs === null ? null : nowMs() + old.expiresAtMs - old.createdAtMs;
      const made = await create({ projectId, name: old.name, scopes: old.scopes, expiresAtMs });
      const untilMs = nowMs() + overlapMs;
      // Read again: who revoked it meanwhile is not overruled.
      const now = await find(projectId, old.id);
      await directory.putKey({ ...now, expiresAtMs: Math.min(untilMs, now.expiresAtMs ?? untilMs) });
      return made;
    },
    async revoke(projectId, keyId) {
      const old = await find(projectId, keyId);
      const revoked = { ...old, revokedAtMs: old.revokedAtMs ?? nowMs() };
      await directory.putKey(revoked);
      return toApiKey(revoked);
    },
  };
}
