import { TachographError } from '../../core/error.ts';
import { readOrCreateKey } from '../../journal/index.ts';

const pepperBytes = 32;

/**
 * The server's own secret: TACHOGRAPH_SECRET (64 hex digits), which several servers on one database share, else a file
 * among the home's keys, made when it is not there. Throws `key-broken` for a variable that is none.
 */
export function readPepper(home: string, variables: Readonly<Record<string, string | undefined>>): Uint8Array {
  const given = variables['TACHOGRAPH_SECRET'];
  if (given === undefined || given === '') return readOrCreateKey(home, 'server.pepper', pepperBytes);
  if (/^[0-9a-f]{64}$/i.test(given)) return Buffer.from(given, 'hex');
  throw new TachographError(
    'key-broken',
    'TACHOGRAPH_SECRET is not 64 hex digits. Make one with: node -p "crypto.randomBytes(32).toString(\'hex\')"',
  );
}
