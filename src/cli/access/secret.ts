import { hkdfSync } from 'node:crypto';
import { TachographError } from '../../core/error.ts';
import { readOrCreateKey } from '../../journal/index.ts';

/** The key of a name: the same one each time. Throws `key-broken` and `home-unusable`. */
export type KeySource = (name: string, bytes: number) => Uint8Array;

/**
 * The keys of a server: derived from TACHOGRAPH_SECRET (64 hex digits), which several servers on one database share, else
 * files in the home's keys folder, made when they are not there. Throws `key-broken` for a variable that is none.
 */
export function createKeySource(home: string, variables: Readonly<Record<string, string | undefined>>): KeySource {
  const given = variables['TACHOGRAPH_SECRET'];
  if (given === undefined || given === '') return (name, bytes) => readOrCreateKey(home, name, bytes);
  if (!/^[0-9a-f]{64}$/i.test(given))
    throw new TachographError(
      'key-broken',
      'TACHOGRAPH_SECRET is not 64 hex digits. Make one with: node -p "crypto.randomBytes(32).toString(\'hex\')"',
    );
  const secret = Buffer.from(given, 'hex');
  return (name, bytes) => Buffer.from(hkdfSync('sha256', secret, '', `tachograph ${name}`, bytes));
}
