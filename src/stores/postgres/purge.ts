import type { Content } from '../../core/content/content.ts';
import { epochStartMs, rootNodeId } from '../../core/content/context.ts';
import { isTerminal, type RunStatus } from '../../core/model/run.ts';
import type { PurgeOptions } from '../../core/store.ts';
import { partsToBlocks } from '../sql/block.ts';
import type { SqlRow, SqlValue } from '../sql/value.ts';
import { bytesToHex, hexToBytes } from '../sql/value.ts';
import { contentColumns, lockContents, type RunKey, rowsToContents } from './contents.ts';
import type { Database, Session, Transaction } from './database.ts';
import { column } from './driver/cell.ts';
import { insertRows } from './driver/rows.ts';
import { countChange, lockRuns, lockWords } from './import/lock.ts';
import { weekTableNames } from './migration/tables.ts';
import { dropWork, isOpenWork } from './work/going.ts';

const ours = 'project_key = (SELECT project_key())';

/*
 * What nobody needs any more. A node is needed while a step names it (context_use) or another node continues it; a content
 * while a run uses it (content_use) or a node holds it.
 *
 *   purge ─► the run's row goes at once, and nothing of it can be read
 *              ├─ its week lies before the cut ─► when the last run of the week goes, the week's partitions are dropped;
 *              │                                   where others still need them, rows go in slices
 *              └─ the cut lies within its week ─► its own rows go at once; contents wait for the end of the week
 */

interface Node {
  readonly id: string;
  readonly parentId: string;
  readonly contentId: string;
}

/** Nodes on the paths from tips to the root. */
async function pathsOf(tx: Session, epoch: number, tips: readonly SqlValue[]): Promise<Map<string, Node>> {
  const rows = await tx.all(
    `WITH RECURSIVE path (id, parent_id, content_id) AS (
       SELECT id, parent_id, content_id FROM nodes WHERE ${ours} AND epoch = $1 AND id = ANY ($2::bytea[])
       UNION SELECT n.id, n.parent_id, n.content_id FROM path JOIN nodes n ON n.${ours} AND n.epoch = $1 AND n.id = path.parent_id)
     SELECT * FROM path`,
    epoch,
    column('bytea', tips),
  );
  return new Map(
    rows.map((row) => {
      const id = bytesToHex(row['id']);
      return [id, { id, parentId: bytesToHex(row['parent_id']), contentId: bytesToHex(row['content_id']) }];
    }),
  );
}

/** Removes contexts from their tips upwards, as far as nobody else needs them; the contents that they held. */
async function trimContexts(tx: Transaction, epoch: number, tips: readonly SqlValue[]): Promise<Set<string>> {
  if (tips.length === 0) return new Set();
  const nodeById = await pathsOf(tx, epoch, tips);
  const ids = column('bytea', [...nodeById.keys()].map(hexToBytes));
  const kept = await tx.all(
    `SELECT n.id FROM nodes n WHERE n.${ours} AND n.epoch = $1 AND n.id = ANY ($2::bytea[]) AND (
       EXISTS (SELECT 1 FROM context_use u WHERE u.${ours} AND u.epoch = $1 AND u.node_id = n.id)
       OR EXISTS (SELECT 1 FROM nodes c WHERE c.${ours} AND c.epoch = $1 AND c.parent_id = n.id AND NOT c.id = ANY ($2::bytea[])))`,
    epoch,
    ids,
  );
  const needed = new Set<string>();
  for (const row of kept)
    for (let id = bytesToHex(row['id']); id !== rootNodeId && !needed.has(id);) {
      needed.add(id);
      id = nodeById.get(id)?.parentId ?? rootNodeId;
    }
  const dead = [...nodeById.values()].filter(({ id }) => !needed.has(id));
  tx.put(
    `DELETE FROM nodes WHERE ${ours} AND epoch = $1 AND id = ANY ($2::bytea[])`,
    epoch,
    column(
      'bytea',
      dead.map(({ id }) => hexToBytes(id)),
    ),
  );
  return new Set(dead.map(({ contentId }) => contentId));
}

/** Packs blocks anew without the contents that were removed from them. */
async function repackBlocks(tx: Transaction, epoch: number, blocks: readonly SqlValue[]): Promise<void> {
  if (blocks.length === 0) return;
  const rows = await tx.all(
    `SELECT ${contentColumns} FROM contents c WHERE c.${ours} AND c.epoch = $1 AND c.block_key = ANY ($2::int8[]) ORDER BY c.block_key, c.block_at`,
    epoch,
    column('int8', blocks),
  );
  const contents = await rowsToContents(tx, epoch, rows);
  await putBlocks(tx, epoch, [contents]);
  tx.put(
    `DELETE FROM content_blocks WHERE ${ours} AND epoch = $1 AND key = ANY ($2::int8[])`,
    epoch,
    column('int8', blocks),
  );
}

/** Puts groups of contents into blocks of their own, wherever they rested before. */
export async function putBlocks(
  tx: Transaction,
  epoch: number,
  groups: readonly (readonly Content[])[],
): Promise<void> {
  const contents = groups.flat();
  if (contents.length === 0) return;
  const keyByContent = new Map(contents.map((content, key) => [content, key]));
  const blocks = groups.flatMap((group) =>
    partsToBlocks(group.map((content) => ({ key: keyByContent.get(content)!, bytes: content.bytes }))),
  );
  const keys = await tx.all(`SELECT nextval('keys') AS key FROM generate_series(1, $1::int4)`, blocks.length);
  const { sql, values = [] } = insertRows(
    'content_blocks',
    blocks.map(({ packed }, index) => ({ epoch, key: keys[index]!['key']!, packed })),
  );
  tx.put(sql, ...values);
  const places = blocks.flatMap((block, index) =>
    block.places.map(({ key, at }) => ({ id: hexToBytes(contents[key]!.id), at, block: keys[index]!['key']! })),
  );
  tx.put(
    `UPDATE contents c SET bytes = NULL, is_packed = 0, block_key = p.block_key, block_at = p.block_at
     FROM unnest($2::bytea[], $3::int8[], $4::int4[]) AS p (id, block_key, block_at) WHERE c.${ours} AND c.epoch = $1 AND c.id = p.id`,
    epoch,
    column(
      'bytea',
      places.map(({ id }) => id),
    ),
    column(
      'int8',
      places.map(({ block }) => block),
    ),
    column(
      'int4',
      places.map(({ at }) => at),
    ),
  );
}

/** What trimming did: ids of contents. */
export interface Trimmed {
  readonly dropped: readonly string[];
  /** They were asked for but are still in use. */
  readonly shared: readonly string[];
}

/** Removes those of the contexts and contents of a week that nobody needs, with their words. Call it under `lockContents`. */
export async function trim(
  tx: Transaction,
  epoch: number,
  { tips, contents }: { tips: readonly SqlValue[]; contents: Iterable<string> },
): Promise<Trimmed> {
  const held = new Set([...contents, ...(await trimContexts(tx, epoch, tips))]);
  if (held.size === 0) return { dropped: [], shared: [] };
  // Before any content is removed: whoever indexes holds it while it looks at contents.
  tx.put(lockWords.sql);
  const ids = column('bytea', [...held].map(hexToBytes));
  const gone = await tx.all(
    `DELETE FROM contents c WHERE c.${ours} AND c.epoch = $1 AND c.id = ANY ($2::bytea[])
       AND NOT EXISTS (SELECT 1 FROM content_use u WHERE u.${ours} AND u.epoch = $1 AND u.content_id = c.id)
       AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.${ours} AND n.epoch = $1 AND n.content_id = c.id)
     RETURNING c.id, c.document, c.block_key`,
    epoch,
    ids,
  );
  const left = await tx.all(
    `SELECT id FROM contents WHERE ${ours} AND epoch = $1 AND id = ANY ($2::bytea[])`,
    epoch,
    ids,
  );
  dropDocuments(tx, epoch, gone);
  await repackBlocks(tx, epoch, [...new Set(gone.flatMap((row) => row['block_key'] ?? []))]);
  return { dropped: gone.map((row) => bytesToHex(row['id'])), shared: left.map((row) => bytesToHex(row['id'])) };
}

function dropDocuments(tx: Transaction, epoch: number, gone: readonly SqlRow[]): void {
  const documents = gone.flatMap((row) => row['document'] ?? []);
  if (documents.length === 0) return;
  tx.put(
    `DELETE FROM words w WHERE w.${ours} AND w.epoch = $1 AND w.document = ANY ($2::bytea[])
       AND NOT EXISTS (SELECT 1 FROM contents c WHERE c.${ours} AND c.epoch = $1 AND c.document = w.document)`,
    epoch,
    column('bytea', documents),
  );
}

/** Takes the uses of runs of a week away and gives back what they used. */
export async function releaseUses(
  tx: Transaction,
  epoch: number,
  runKeys: readonly SqlValue[],
): Promise<{ tips: SqlValue[]; contents: string[] }> {
  const runs = column('int8', runKeys);
  const [contents, tips] = await tx.askAll(
    [
      ['content_use', 'content_id'],
      ['context_use', 'node_id'],
    ].map(([table, name]) => ({
      sql: `DELETE FROM ${table} WHERE ${ours} AND epoch = $1 AND run_key = ANY ($2::int8[]) RETURNING ${name} AS id`,
      values: [epoch, runs],
    })),
  );
  return {
    tips: tips!.rows.map((row) => row['id']!),
    contents: [...new Set(contents!.rows.map((row) => bytesToHex(row['id'])))],
  };
}

const pageRuns = 200;

/** Runs that may go, oldest first. */
async function findLeaving(tx: Transaction, options: PurgeOptions): Promise<RunKey[]> {
  const { beforeMs, clock = 'start', dryRunsOnly = false } = options;
  const leaving: RunKey[] = [];
  // A page at a time, since the rows before a page may stay (pinned, live) and the rows of a page go.
  let after: SqlRow = { sort_ms: Number.NEGATIVE_INFINITY, id: '' };
  for (;;) {
    const rows = await tx.all(
      `SELECT r.key, r.id, r.epoch, r.status, r.sort_ms FROM runs r
       WHERE r.${ours} AND r.sort_ms < $1 AND (r.sort_ms, r.id) > ($2, $3)
       ${dryRunsOnly ? 'AND r.dry_run = 1' : ''} ${clock === 'write' ? 'AND r.written_at_ms < $1' : ''}
       AND NOT EXISTS (SELECT 1 FROM annotations a WHERE a.${ours} AND a.run_id = r.id AND a.kind = 'pin') AND NOT ${isOpenWork}
       ORDER BY r.sort_ms, r.id LIMIT ${pageRuns}`,
      beforeMs,
      after['sort_ms']!,
      after['id']!,
    );
    for (const row of rows) {
      const run: RunKey = { id: row['id'] as string, key: row['key'] as number, epoch: row['epoch'] as number };
      const isOpen = !isTerminal(row['status'] as RunStatus);
      if ((isOpen && options.isLive?.(run.id) === true) || options.isKept?.(run.id) === true) continue;
      leaving.push(run);
      if (leaving.length >= options.limit) return leaving;
    }
    if (rows.length < pageRuns) return leaving;
    after = rows.at(-1)!;
  }
}

/** Tables with rows of one run, its uses not counted. */
const runTables = ['event_packs', 'writers', 'steps', 'attempts', 'attempt_packs', 'error_words'] as const;

function dropOwnRows(tx: Transaction, epoch: number, runKeys: readonly SqlValue[]): void {
  for (const table of runTables)
    tx.put(
      `DELETE FROM ${table} WHERE ${ours} AND epoch = $1 AND run_key = ANY ($2::int8[])`,
      epoch,
      column('int8', runKeys),
    );
}

/** Drops runs; how many went. What they leave is cleared by `dropRemains`. */
export async function purgeRuns(tx: Transaction, options: PurgeOptions): Promise<number> {
  if (!(options.limit > 0)) return 0;
  const runs = await findLeaving(tx, options);
  if (runs.length === 0) return 0;
  const lock = lockRuns(runs.map(({ id }) => id));
  tx.put(lock.sql, ...(lock.values ?? []));
  const keys = column(
    'int8',
    runs.map(({ key }) => key),
  );
  tx.put(`DELETE FROM runs WHERE ${ours} AND key = ANY ($1::int8[])`, keys);
  for (const table of ['run_labels', 'packing', 'sealing'])
    tx.put(`DELETE FROM ${table} WHERE ${ours} AND run_key = ANY ($1::int8[])`, keys);
  tx.put(
    `DELETE FROM annotations WHERE ${ours} AND run_id = ANY ($1::text[])`,
    column(
      'text',
      runs.map(({ id }) => id),
    ),
  );
  for (const { sql, values = [] } of dropWork(runs.map(({ id }) => id))) tx.put(sql, ...values);
  const leaving = insertRows(
    'leaving',
    runs.map(({ epoch, key }) => ({ epoch, run_key: key })),
  );
  tx.put(leaving.sql, ...(leaving.values ?? []));
  for (const [epoch, some] of Map.groupBy(runs, (run) => run.epoch)) {
    if (epochStartMs(epoch + 1) > options.beforeMs)
      dropOwnRows(
        tx,
        epoch,
        some.map(({ key }) => key),
      );
  }
  tx.put(countChange.sql);
  return runs.length;
}

async function hasRun(tx: Session, epoch: number, condition: string): Promise<boolean> {
  const row = await tx.get(`SELECT 1 AS one FROM runs WHERE ${ours} AND epoch = $1 ${condition} LIMIT 1`, epoch);
  return row !== undefined;
}

const openStatuses = "('pending', 'running', 'waiting_tool', 'waiting_approval')";
const sliceRows = 500;
const sliceRuns = 10;

/** Drops some of what an epoch without runs of the project left; false when nothing is left, or when it has a run again. */
async function dropSlice(tx: Transaction, epoch: number): Promise<boolean> {
  await tx.askAll([lockContents, lockWords]);
  if (await hasRun(tx, epoch, '')) return false;
  const answers = await tx.askAll(
    weekTableNames.map((table) => ({
      sql: `DELETE FROM ${table} WHERE ${ours} AND epoch = $1 AND ctid = ANY (ARRAY(
          SELECT ctid FROM ${table} WHERE ${ours} AND epoch = $1 LIMIT ${sliceRows}))`,
      values: [epoch],
    })),
  );
  if (answers.some(({ count }) => count > 0)) return true;
  for (const table of ['leaving', 'word_queue']) tx.put(`DELETE FROM ${table} WHERE ${ours} AND epoch = $1`, epoch);
  return false;
}

/** Clears what some of the purged runs left in an epoch that still has others; false when none is left. */
async function trimSlice(tx: Transaction, epoch: number): Promise<boolean> {
  const [, gone] = await tx.askAll([
    lockContents,
    {
      sql: `DELETE FROM leaving WHERE ${ours} AND epoch = $1 AND run_key IN (
          SELECT run_key FROM leaving WHERE ${ours} AND epoch = $1 ORDER BY run_key LIMIT ${sliceRuns}) RETURNING run_key`,
      values: [epoch],
    },
  ]);
  const keys = gone!.rows.map((row) => row['run_key']!);
  if (keys.length === 0) return false;
  dropOwnRows(tx, epoch, keys);
  await trim(tx, epoch, await releaseUses(tx, epoch, keys));
  return true;
}

/** Drops the partitions of a week without runs of any project; false where there are some, or somebody is writing there. */
async function dropEpoch(session: Session, epoch: number): Promise<boolean> {
  return (await session.get('SELECT drop_epoch($1) AS dropped', epoch))?.['dropped'] === 1;
}

/**
 * Clears what purged runs left, a slice in each transaction, so that nobody waits long. Contents go when their whole week
 * lies before the cut and no open run could still name what it knows: with their week as soon as it has no run left, else
 * run by run once `isLast` says that no more runs will go; at once when all recorders have forgotten them. Killed between
 * two slices, the rest is done by the next purge.
 */
export async function dropRemains(
  db: Database,
  projectId: string,
  options: { readonly beforeMs: number; readonly isLast: boolean; readonly isForgotten: boolean },
): Promise<void> {
  const session = db.read(projectId);
  const epochs = await session.all(`SELECT DISTINCT epoch FROM leaving WHERE ${ours} ORDER BY epoch`);
  for (const row of epochs) {
    const epoch = row['epoch'] as number;
    const isPast = epochStartMs(epoch + 1) <= options.beforeMs;
    const isOver = isPast && !(await hasRun(session, epoch, `AND status IN ${openStatuses}`));
    if (!isOver && !options.isForgotten) continue;
    if (!(await hasRun(session, epoch, ''))) {
      if (await dropEpoch(session, epoch)) continue;
      while (await db.change(projectId, (tx) => dropSlice(tx, epoch)));
      // Somebody may have been in the way just then; an empty partition costs every later question a little.
      await dropEpoch(session, epoch);
    } else if (options.isLast || options.isForgotten) while (await db.change(projectId, (tx) => trimSlice(tx, epoch)));
  }
}
