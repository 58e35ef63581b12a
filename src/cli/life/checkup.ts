import { createHash } from 'node:crypto';
import { isTachographError } from '../../core/error.ts';
import type { PostgresInspection } from '../../stores/postgres/index.ts';
import { inspectPostgres } from '../../stores/postgres/index.ts';

/** One thing looked at: good, worth knowing, or wrong, and what to do. */
export interface Finding {
  readonly what: string;
  readonly state: 'good' | 'note' | 'wrong';
  readonly detail: string;
}

const finding =
  (what: string) =>
  (state: Finding['state'], detail: string): Finding => ({ what, state, detail });

/** Beyond this, times of two machines are not comparable at a glance. */
const clockMsMax = 2000;

function checkRole({ role, isUnbound, isOwner, openTables }: PostgresInspection): Finding[] {
  const asRole = finding('role');
  const asRls = finding('rls');
  const told = isUnbound
    ? asRole(
        'wrong',
        `${role} is a superuser or has BYPASSRLS, so that nothing keeps projects apart; make one with tachograph migrate --role`,
      )
    : isOwner
      ? asRole(
          'note',
          `${role} owns the tables; let the server connect as a role that owns nothing: tachograph migrate --role`,
        )
      : asRole('good', `${role}, owns nothing, bound by row-level security`);
  const open =
    openTables.length === 0
      ? asRls('good', 'forced on every table')
      : asRls('wrong', `not forced on ${openTables.join(', ')}; run tachograph migrate as the owner`);
  return [told, open];
}

/** The database of the team: reached, schema, role, row-level security, clock. */
export async function checkDatabase(url: string): Promise<Finding[]> {
  let seen: PostgresInspection;
  try {
    seen = await inspectPostgres(url);
  } catch (error) {
    if (!isTachographError(error)) throw error;
    return [finding('database')('wrong', `${error.message} [${error.code}]`)];
  }
  const { place, server, schema, knownSchema, clockAheadMs, tripMs } = seen;
  const asSchema = finding('schema');
  const asClock = finding('clock');
  const isFar = Math.abs(clockAheadMs) > clockMsMax + tripMs;
  const clock = `the database's is ${Math.abs(clockAheadMs)} ms ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  return [
    finding('database')('good', `${place}, PostgreSQL ${server}, answers in ${tripMs} ms`),
    schema === null
      ? asSchema('wrong', `none for this role; run tachograph migrate with the owner's connection`)
      : schema === knownSchema
        ? asSchema('good', schema)
        : asSchema(
            'note',
            `${schema}, this version makes ${knownSchema}; run tachograph migrate, or update tachograph`,
          ),
    ...(schema === null ? [] : checkRole(seen)),
    asClock(isFar ? 'wrong' : 'good', `${clock}${isFar ? '; set both by the same time server' : ''}`),
  ];
}

/** Where the keys come from, and a mark by which servers that must share a secret can be compared. The secret is not in it. */
export function checkSecret(variables: Readonly<Record<string, string | undefined>>, isShared: boolean): Finding {
  const asSecret = finding('secret');
  const secret = variables['TACHOGRAPH_SECRET'] ?? '';
  if (secret === '')
    return isShared
      ? asSecret('note', 'TACHOGRAPH_SECRET is not set: the keys are files of this home, and no second server has them')
      : asSecret('good', 'keys are files of this home');
  if (!/^[0-9a-f]{64}$/i.test(secret)) return asSecret('wrong', 'TACHOGRAPH_SECRET is not 64 hex digits');
  const bytes = Buffer.from(secret, 'hex');
  const mark = createHash('sha256').update('tachograph secret mark').update(bytes).digest('hex').slice(0, 8);
  return asSecret('good', `TACHOGRAPH_SECRET, mark ${mark}: the same on every server of one database`);
}
