import { describe, expect, it } from 'vitest';
import {
  allowsScope,
  createKey,
  isKeyLive,
  isKeySecret,
  keyRandomBytes,
  parseKey,
  parseScopes,
  toApiKey,
} from './key.ts';
import { createProject, nextProject, parseProjectId } from './project.ts';

const pepper = Buffer.alloc(32, 7);
const random = Buffer.from(Array.from({ length: keyRandomBytes }, (_, index) => index));
const make = (change: object = {}) =>
  createKey({ projectId: 'shop_eu', name: 'ci', scopes: ['ingest'], nowMs: 1000, random, pepper, ...change });

describe('a key', () => {
  it('is known by its text again, and by nothing else', () => {
    const { text, stored } = make();
    expect(text).toMatch(/^tk_shop_eu\.[0-9a-f]{12}_[0-9a-f]{48}$/);
    const presented = parseKey(text)!;
    expect(presented).toMatchObject({ id: stored.id, projectId: 'shop_eu' });
    expect(isKeySecret(stored, presented, pepper)).toBe(true);
    expect(isKeySecret(stored, presented, Buffer.alloc(32, 8))).toBe(false);
    for (let at = 0; at < presented.secret.length; at += 1) {
      const digit = presented.secret[at] === '0' ? '1' : '0';
      const secret = `${presented.secret.slice(0, at)}${digit}${presented.secret.slice(at + 1)}`;
      expect(isKeySecret(stored, { ...presented, secret }, pepper)).toBe(false);
    }
  });

  it('keeps nothing of its secret where it is stored or listed', () => {
    const { text, stored } = make();
    const { secret } = parseKey(text)!;
    expect(JSON.stringify(stored)).not.toContain(secret);
    expect(JSON.stringify(toApiKey(stored))).not.toContain(stored.hash);
  });

  it('is refused when it is none', () => {
    const { text } = make();
    const wrong = [
      '',
      'tk_',
      text.slice(1),
      `${text}0`,
      text.toUpperCase(),
      text.replace('.', '_'),
      `tk_..${text.slice(-61)}`,
    ];
    for (const each of wrong) expect(parseKey(each)).toBeNull();
    expect(parseKey(`tk_${'a'.repeat(64)}.${'0'.repeat(12)}_${'0'.repeat(48)}`)).toBeNull();
  });

  it('lives until it expires or is revoked', () => {
    const { stored } = make({ expiresAtMs: 2000 });
    expect([isKeyLive(stored, 1999), isKeyLive(stored, 2000)]).toEqual([true, false]);
    expect(isKeyLive({ ...stored, revokedAtMs: 1500 }, 1600)).toBe(false);
    expect(() => make({ expiresAtMs: 1000 })).toThrow('give a later time');
    expect(() => make({ name: '' })).toThrow('give 1 to 200');
  });

  it('allows what its scopes say, admin everything, ingest no reading', () => {
    expect(allowsScope(['ingest'], 'read')).toBe(false);
    expect(allowsScope(['admin'], 'approve')).toBe(true);
    expect(parseScopes(['run', 'read', 'run'])).toEqual(['read', 'run']);
    expect(() => parseScopes(['write'])).toThrow('"write" is no scope; give one or more of ingest, read, run');
    expect(() => parseScopes([])).toThrow('No scope is given');
  });
});

describe('a project', () => {
  it('begins in shadow, the embedded one live', () => {
    expect(createProject({ id: 'shop', nowMs: 1 })).toMatchObject({ name: 'shop', mode: 'shadow', status: 'active' });
    expect(createProject({ id: 'default', nowMs: 1 }).mode).toBe('live');
  });

  it('takes ids that can stand in an address and a file name', () => {
    for (const id of ['', 'A', '../x', 'a b', '_a', 'a'.repeat(64), 'é', 'a.b', 'a/b', '__proto__'])
      expect(() => parseProjectId(id)).toThrow('is no project id');
    expect(parseProjectId('a-1_b')).toBe('a-1_b');
  });

  it('changes by rule', () => {
    const project = createProject({ id: 'shop', nowMs: 1 });
    const canary = nextProject(project, { mode: 'canary', canaryPercent: 10 });
    expect(nextProject(canary, { name: 'Shop' }).canaryPercent).toBe(10);
    expect(nextProject(canary, { mode: 'live' }).canaryPercent).toBeNull();
    expect(() => nextProject(project, { mode: 'canary' })).toThrow('needs canaryPercent');
    expect(() => nextProject(project, { canaryPercent: 5 })).toThrow('belongs to mode "canary"');
    expect(() => nextProject(project, { retentionDays: 4000 })).toThrow('give 0 (for ever) to 3650');
  });
});
