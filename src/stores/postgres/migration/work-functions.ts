import { memoColumns } from '../../sql/work/memo-row.ts';
import { endedList, leasedList, stateColumns, workColumns } from '../../sql/work/work-row.ts';
import { workTables } from './work-tables.ts';

/*
 * What is done for every run stands in functions of the database: their plans are kept by the connection without a named
 * statement on it, so a pooler in transaction mode may stand in between, and each is one round trip. They run with the
 * caller's rights, and every statement in them sees what was committed before it began, not before the function did: that
 * is what a look for signals after a wait for the row needs.
 *
 *   work_create  keys, rows, orders, entries of new runs; the winners of keys that were there
 *   work_pick    locks runs that wait, past those that others have locked
 *   work_change  rows that are still as expected, with their entries and memos; what goes with an end goes
 *   work_keep    memos of runs whose leases are held
 *   work_beat    prolongs leases
 *   work_signal  puts a signal and wakes the run that waits for it
 */

const typeByColumn = new Map<string, string>(
  ['work', 'work_memos'].flatMap((table) =>
    [...workTables[table]!.matchAll(/(\w+) (int2|int4|int8|float8|text|bytea)\b/g)].map(
      ([, name, type]) => [`${table}.${name}`, type!] as const,
    ),
  ),
);
const typeOf = (table: 'work' | 'work_memos', name: string): string => typeByColumn.get(`${table}.${name}`)!;

/** A list that a function is given, by its name within and its type. */
export type Given = readonly [name: string, type: string];

const ofWork = (names: readonly string[]): Given[] => names.map((name) => [name, typeOf('work', name)]);

/** What `work_create` is given, a list each. */
export const givenToCreate: readonly Given[] = [
  ...ofWork([...workColumns, 'due_at_ms', 'key_digest']),
  ['sealed', 'bytea'],
  ['epoch', 'int4'],
  ['entries', 'bytea'],
];

const stateNames = stateColumns.map(([name]) => name);

/** What `work_change` is given of each change. */
export const givenToChange: readonly Given[] = [
  ['run_id', 'text'],
  ['from_state', 'text'],
  ['from_epoch', 'int8'],
  ['is_held', 'int2'],
  ...ofWork([...stateNames, 'due_at_ms']),
  ['epoch', 'int4'],
  ['entries', 'bytea'],
];

/** What is given of each memo: `change` is the place of the change, or of the lease, that brings it, from 1. */
export const givenOfMemos: readonly Given[] = [
  ['change', 'int8'],
  ['name_key', 'text'],
  ...memoColumns.map((name): Given => [name, typeOf('work_memos', name)]),
];

const lists = (given: readonly Given[]): string => given.map(([, type]) => `${type}[]`).join(', ');
const names = (given: readonly Given[]): string => given.map(([name]) => name).join(', ');
const places = (given: readonly Given[], from = 1): string =>
  given.map((_each, index) => `$${from + index}`).join(', ');

const nowMs = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::float8';

// Plans are made once for a connection, when tables may be empty: by keys then and for ever.
const planned = 'SET plan_cache_mode = force_generic_plan SET enable_seqscan = off';

const define = (head: string, declared: string, body: string): string =>
  `CREATE OR REPLACE FUNCTION tachograph.${head} LANGUAGE plpgsql ${planned} AS $function$
    #variable_conflict use_column
    DECLARE pk int4 := tachograph.project_key(); ${declared}
    BEGIN ${body} END $function$`;

const rowNames = [...workColumns, 'due_at_ms', 'key_digest'];

const create = define(
  `work_create(${lists(givenToCreate)}) RETURNS TABLE (place int8, winner text, is_new int2, digest bytea)`,
  'made int4;',
  `IF pk IS NULL THEN
     INSERT INTO tachograph.projects (id) SELECT current_setting('tachograph.project') ON CONFLICT DO NOTHING;
     pk := tachograph.project_key();
   END IF;
   RETURN QUERY
     WITH given AS MATERIALIZED (
       SELECT * FROM unnest(${places(givenToCreate)}) WITH ORDINALITY AS g (${names(givenToCreate)}, ord)),
     keyed AS (
       INSERT INTO tachograph.work_keys (project_key, digest, run_id)
       SELECT pk, g.key_digest, g.run_id FROM given g WHERE g.key_digest IS NOT NULL ON CONFLICT DO NOTHING RETURNING run_id),
     fresh AS MATERIALIZED (
       SELECT g.* FROM given g WHERE g.key_digest IS NULL OR g.run_id IN (SELECT k.run_id FROM keyed k)),
     made AS (
       INSERT INTO tachograph.work (project_key, ${rowNames.join(', ')}) SELECT pk, ${rowNames.map((name) => `f.${name}`).join(', ')} FROM fresh f),
     ordered AS (
       INSERT INTO tachograph.work_orders (project_key, run_id, sealed) SELECT pk, f.run_id, f.sealed FROM fresh f),
     waiting AS (
       INSERT INTO tachograph.work_entries (project_key, run_id, epoch, entries)
       SELECT pk, f.run_id, f.epoch, f.entries FROM fresh f WHERE f.entries IS NOT NULL)
     SELECT f.ord, f.run_id, 1::int2, f.input_digest FROM fresh f;
   GET DIAGNOSTICS made = ROW_COUNT;
   IF made = cardinality($1) THEN RETURN; END IF;
   -- Whoever was quicker has committed by now.
   RETURN QUERY
     SELECT g.ord, w.run_id, 0::int2, w.input_digest FROM unnest($1, $${rowNames.length}) WITH ORDINALITY AS g (run_id, digest, ord)
     CROSS JOIN LATERAL (SELECT * FROM tachograph.work_keys WHERE project_key = pk AND digest = g.digest OFFSET 0) k
     CROSS JOIN LATERAL (SELECT * FROM tachograph.work WHERE project_key = pk AND run_id = k.run_id OFFSET 0) w WHERE k.run_id <> g.run_id;`,
);

// A lease that stays is not shortened: a heartbeat may have come in between.
const keptLease = `w.lease_expires_at_ms IS NOT NULL AND g.lease_expires_at_ms IS NOT NULL AND g.lease_epoch = w.lease_epoch`;
const newLease = `CASE WHEN ${keptLease} THEN greatest(w.lease_expires_at_ms, g.lease_expires_at_ms) ELSE g.lease_expires_at_ms END`;
const setState = stateNames
  .map((name) => `${name} = ${name === 'lease_expires_at_ms' ? newLease : `g.${name}`}`)
  .join(', ');
const memoNames = ['name_key', ...memoColumns];
const memoKey = ['run_id', 'name_key', 'occurrence'];
const replaceMemo = memoNames
  .filter((name) => !memoKey.includes(name))
  .map((name) => `${name} = excluded.${name}`)
  .join(', ');
const memosFrom = givenToChange.length + 1;
const entryPlaces = ['epoch', 'entries']
  .map((of) => `$${givenToChange.findIndex(([name]) => name === of) + 1}`)
  .join(', ');

// Change by change, each found by its key: a join would be planned while the tables are empty, and walk them for ever.
const change = define(
  `work_change(${lists([...givenToChange, ...givenOfMemos])}) RETURNS SETOF int8`,
  `g record; redrivable int2; made int8[] := '{}'; over text[] := '{}';`,
  `FOR g IN SELECT * FROM unnest(${places(givenToChange)}) WITH ORDINALITY AS u (${names(givenToChange)}, ord) LOOP
     UPDATE tachograph.work w SET ${setState},
       due_at_ms = CASE WHEN ${keptLease} THEN least(g.timeout_at_ms, g.attempt_deadline_at_ms, greatest(w.lease_expires_at_ms, g.lease_expires_at_ms)) ELSE g.due_at_ms END
     WHERE w.project_key = pk AND w.run_id = g.run_id AND w.state = g.from_state AND w.lease_epoch = g.from_epoch
       AND (g.is_held = 0 OR w.lease_expires_at_ms > ${nowMs})
     RETURNING w.is_redrivable INTO redrivable;
     CONTINUE WHEN NOT FOUND;
     made := made || g.ord;
     IF cardinality($${memosFrom}) > 0 THEN
       INSERT INTO tachograph.work_memos (project_key, ${memoNames.join(', ')})
       SELECT pk, ${memoNames.map((name) => `m.${name}`).join(', ')}
       FROM unnest(${places(givenOfMemos, memosFrom)}) AS m (${names(givenOfMemos)}) WHERE m.change = g.ord
       ON CONFLICT (project_key, ${memoKey.join(', ')}) DO UPDATE SET ${replaceMemo};
     END IF;
     IF g.state IN ${endedList} AND NOT (redrivable = 1 AND g.state = 'failed') THEN
       over := over || g.run_id;
     ELSIF g.state = 'pending' AND g.waiting_for IS NOT NULL THEN
       UPDATE tachograph.work w SET queue_at_ms = least(coalesce(w.queue_at_ms, ${nowMs}), ${nowMs})
       WHERE w.project_key = pk AND w.run_id = g.run_id AND EXISTS (SELECT FROM tachograph.work_signals s
         WHERE s.project_key = pk AND s.run_id = g.run_id AND s.name = g.waiting_for AND s.sealed IS NOT NULL);
     END IF;
   END LOOP;
   IF made = '{}' THEN RETURN; END IF;
   INSERT INTO tachograph.work_entries (project_key, run_id, epoch, entries)
     SELECT pk, u.run_id, u.epoch, u.entries FROM unnest($1, ${entryPlaces}) WITH ORDINALITY AS u (run_id, epoch, entries, ord)
     WHERE u.ord = ANY (made) AND u.entries IS NOT NULL ORDER BY u.ord;
   IF over <> '{}' THEN
     DELETE FROM tachograph.work_orders WHERE project_key = pk AND run_id = ANY (over);
     DELETE FROM tachograph.work_memos WHERE project_key = pk AND run_id = ANY (over);
     DELETE FROM tachograph.work_signals WHERE project_key = pk AND run_id = ANY (over);
   END IF;
   RETURN QUERY SELECT unnest(made);`,
);

// The row is locked, so that the lease is in force until the end of the transaction as far as others can take it away.
const heldRow = `FROM tachograph.work w WHERE w.project_key = pk AND w.run_id = g.run_id AND w.lease_epoch = g.lease_epoch
  AND w.state IN ${leasedList} AND w.lease_expires_at_ms > ${nowMs} FOR UPDATE`;

const keep = define(
  `work_keep(text[], int8[], ${lists(givenOfMemos)}) RETURNS SETOF int8`,
  `g record; held int8[] := '{}';`,
  `FOR g IN SELECT * FROM unnest($1, $2) WITH ORDINALITY AS u (run_id, lease_epoch, ord) LOOP
     IF cardinality($1) = 1 THEN PERFORM ${heldRow};
     -- Rows that others hold are left out: whoever waits for one of them must not hold the rest meanwhile.
     ELSE PERFORM ${heldRow} SKIP LOCKED; END IF;
     IF FOUND THEN held := held || g.ord; END IF;
   END LOOP;
   IF held = '{}' THEN RETURN; END IF;
   INSERT INTO tachograph.work_memos (project_key, ${memoNames.join(', ')})
     SELECT pk, ${memoNames.map((name) => `m.${name}`).join(', ')}
     FROM unnest(${places(givenOfMemos, 3)}) AS m (${names(givenOfMemos)}) WHERE m.change = ANY (held)
     ON CONFLICT (project_key, ${memoKey.join(', ')}) DO UPDATE SET ${replaceMemo};
   RETURN QUERY SELECT unnest(held);`,
);

const sealedOf = `(SELECT o.sealed FROM tachograph.work_orders o WHERE o.project_key = pk AND o.run_id = w.run_id)`;
// What is past its time is the reaper's.
const claimable = (agent: string): string =>
  `w.project_key = pk AND w.agent_id = ${agent} AND w.queue_at_ms <= at_ms AND (w.timeout_at_ms IS NULL OR w.timeout_at_ms > at_ms)
    AND (w.start_deadline_at_ms IS NULL OR w.start_deadline_at_ms > at_ms OR w.state <> 'pending')`;
const inOrder = 'w.rank, w.queue_at_ms, w.run_id';

const pick = define(
  'work_pick(text[], int4[], int4, int4, text[], int4[]) RETURNS TABLE (run tachograph.work, sealed bytea, now_ms float8)',
  `at_ms float8 := ${nowMs}; agents text[] := $1; rooms int4[] := $2; most int4 := $3; leased int4; quotas int4[]; found text[]; taken text[] := '{}'; wanted int4;`,
  `IF $4 IS NOT NULL OR cardinality($5) > 0 THEN
     -- Whoever counts what is under a lease keeps others from adding to it until the end of the transaction.
     PERFORM pg_advisory_xact_lock(hashtext('tachograph.claim'), pk);
     SELECT count(*) INTO leased FROM tachograph.work w WHERE w.project_key = pk AND w.lease_expires_at_ms IS NOT NULL;
     most := least(most, coalesce($4 - leased, most));
     SELECT array_agg(least(a.room, m.most - (SELECT count(*)::int4 FROM tachograph.work w
         WHERE w.project_key = pk AND w.agent_id = a.agent AND w.lease_expires_at_ms IS NOT NULL)) ORDER BY a.ord)
       INTO rooms FROM unnest($1, $2) WITH ORDINALITY AS a (agent, room, ord) LEFT JOIN unnest($5, $6) AS m (agent, most) ON m.agent = a.agent;
   END IF;
   IF most <= 0 THEN RETURN; END IF;
   IF cardinality(agents) = 1 THEN
     RETURN QUERY SELECT w, ${sealedOf}, ${nowMs} FROM tachograph.work w WHERE ${claimable('agents[1]')}
       ORDER BY ${inOrder} LIMIT greatest(0, least(most, rooms[1])) FOR UPDATE OF w SKIP LOCKED;
     RETURN;
   END IF;
   -- How many of each agent are among the first of all; then so many of each, past those that others have locked.
   SELECT array_agg(coalesce(f.number, 0) ORDER BY a.ord), coalesce(sum(f.number), 0) INTO quotas, wanted
     FROM unnest(agents) WITH ORDINALITY AS a (agent, ord) LEFT JOIN (
       SELECT c.agent, count(*)::int4 AS number FROM (
         SELECT a.agent, h.* FROM unnest(agents, rooms) AS a (agent, room) CROSS JOIN LATERAL (
           SELECT w.rank, w.queue_at_ms, w.run_id FROM tachograph.work w WHERE ${claimable('a.agent')}
           ORDER BY ${inOrder} LIMIT greatest(0, least(a.room, most))) h
         ORDER BY h.rank, h.queue_at_ms, h.run_id LIMIT most) c GROUP BY c.agent) f ON f.agent = a.agent;
   FOR tries IN 1..2 LOOP
     FOR i IN 1..cardinality(agents) LOOP
       IF quotas[i] <= 0 OR cardinality(taken) >= wanted THEN CONTINUE; END IF;
       SELECT array_agg(p.run_id) INTO found FROM (
         SELECT w.run_id FROM tachograph.work w WHERE ${claimable('agents[i]')} AND w.run_id <> ALL (taken)
         ORDER BY ${inOrder} LIMIT least(quotas[i], wanted - cardinality(taken)) FOR UPDATE OF w SKIP LOCKED) p;
       taken := taken || found;
       rooms[i] := rooms[i] - coalesce(cardinality(found), 0);
     END LOOP;
     EXIT WHEN cardinality(taken) >= wanted;
     -- Others were quicker: of each agent what it has room for.
     quotas := rooms;
   END LOOP;
   RETURN QUERY SELECT w, ${sealedOf}, ${nowMs} FROM tachograph.work w WHERE w.project_key = pk AND w.run_id = ANY (taken);`,
);

const beat = define(
  'work_beat(text[], int8[], float8) RETURNS TABLE (run text, epoch int8, is_held int2, status text, until_ms float8)',
  `now_ms float8 := ${nowMs};`,
  `FOR run, epoch IN SELECT * FROM unnest($1, $2) LOOP
     is_held := 1;
     UPDATE tachograph.work w SET lease_expires_at_ms = now_ms + $3, due_at_ms = least(w.timeout_at_ms, w.attempt_deadline_at_ms, now_ms + $3)
       WHERE w.project_key = pk AND w.run_id = run AND w.lease_epoch = epoch AND w.state IN ${leasedList} AND w.lease_expires_at_ms > now_ms
       RETURNING w.state, w.lease_expires_at_ms INTO status, until_ms;
     IF NOT FOUND THEN
       is_held := 0;
       SELECT w.state, w.lease_expires_at_ms INTO status, until_ms FROM tachograph.work w WHERE w.project_key = pk AND w.run_id = run;
       CONTINUE WHEN NOT FOUND;
     END IF;
     RETURN NEXT;
   END LOOP;`,
);

const signal = define(
  'work_signal(text, text, text, text, bytea, float8) RETURNS boolean',
  'at tachograph.work;',
  `-- The row first: whoever puts the run to sleep has either done so, or will see the signal.
   SELECT w.* INTO at FROM tachograph.work w WHERE w.project_key = pk AND w.run_id = $1 FOR UPDATE;
   IF NOT FOUND OR at.state IN ${endedList} THEN RETURN false; END IF;
   INSERT INTO tachograph.work_signals (project_key, run_id, id_key, id, name, sealed, sent_at_ms) VALUES (pk, $1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING;
   IF NOT FOUND THEN RETURN false; END IF;
   IF at.state = 'pending' AND at.waiting_for = $4 THEN
     UPDATE tachograph.work w SET queue_at_ms = least(coalesce(w.queue_at_ms, ${nowMs}), ${nowMs}) WHERE w.project_key = pk AND w.run_id = $1;
   END IF;
   RETURN true;`,
);

const clock = `CREATE OR REPLACE FUNCTION tachograph.work_now() RETURNS float8 LANGUAGE sql VOLATILE AS $$ SELECT ${nowMs} $$`;

/** Functions that the role of the application may call. */
export const grantedWorkFunctions: readonly string[] = [
  'work_now()',
  `work_create(${lists(givenToCreate)})`,
  `work_change(${lists([...givenToChange, ...givenOfMemos])})`,
  'work_pick(text[], int4[], int4, int4, text[], int4[])',
  `work_keep(text[], int8[], ${lists(givenOfMemos)})`,
  'work_beat(text[], int8[], float8)',
  'work_signal(text, text, text, text, bytea, float8)',
];

/** Functions about all projects: ids and due times of runs, nothing else of them. */
export const keeperWorkFunctions: readonly string[] = [
  'work_stale(int4, float8, text)',
  'work_waiting()',
  'work_unfiled()',
  'work_ticks(int4)',
];

const head = `SELECT w.project_key, w.agent_id, w.rank, w.queue_at_ms INTO p, a, r, q FROM tachograph.work w WHERE w.queue_at_ms IS NOT NULL`;
const firstOf = 'ORDER BY w.project_key, w.agent_id, w.rank, w.queue_at_ms LIMIT 1';

/** Statements that make the functions, with the one that makes a function about all projects. */
export function workFunctionStatements(keeperFunction: (head: string, body: string) => string): string[] {
  return [
    clock,
    create,
    change,
    pick,
    keep,
    beat,
    signal,
    keeperFunction(
      'work_stale(most int4, after_ms float8, after_run text) RETURNS TABLE (project_id text, run_id text, due_ms float8)',
      `RETURN QUERY SELECT p.id::text, w.run_id::text, w.due_at_ms FROM tachograph.work w JOIN tachograph.projects p ON p.key = w.project_key
         WHERE w.due_at_ms <= ${nowMs} AND (w.due_at_ms, w.run_id) > (after_ms, after_run COLLATE "C") ORDER BY w.due_at_ms, w.run_id LIMIT most`,
    ),
    keeperFunction(
      'work_waiting() RETURNS SETOF text',
      // From one agent and priority to the next, so that what waits in great number, or for later, is not walked.
      `DECLARE p int4; a text; r int4; q float8; now_ms float8 := ${nowMs};
       BEGIN
         ${head} ${firstOf};
         WHILE FOUND LOOP
           IF q <= now_ms THEN
             RETURN QUERY SELECT o.id::text FROM tachograph.projects o WHERE o.key = p;
             ${head} AND w.project_key > p ${firstOf};
           ELSE
             ${head} AND (w.project_key, w.agent_id, w.rank) > (p, a COLLATE "C", r) ${firstOf};
           END IF;
         END LOOP;
       END`,
    ),
    keeperFunction(
      'work_unfiled() RETURNS SETOF text',
      `DECLARE p int4;
       BEGIN
         SELECT e.project_key INTO p FROM tachograph.work_entries e ORDER BY e.project_key LIMIT 1;
         WHILE FOUND LOOP
           RETURN QUERY SELECT o.id::text FROM tachograph.projects o WHERE o.key = p;
           SELECT e.project_key INTO p FROM tachograph.work_entries e WHERE e.project_key > p ORDER BY e.project_key LIMIT 1;
         END LOOP;
       END`,
    ),
    keeperFunction(
      'work_ticks(most int4) RETURNS TABLE (project_id text, schedule_id text)',
      `RETURN QUERY SELECT p.id::text, s.id::text FROM tachograph.work_schedules s JOIN tachograph.projects p ON p.key = s.project_key
         WHERE s.next_at_ms <= ${nowMs} AND s.is_paused = 0 ORDER BY s.next_at_ms, s.id LIMIT most`,
    ),
  ];
}
