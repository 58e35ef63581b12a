import { hash } from 'node:crypto';
import type { Content, ContentKind } from '../../core/content/content.ts';
import type { ContextNode } from '../../core/content/context.ts';
import { contentToWords } from '../../core/query/words.ts';
import { packBytes, unpackBlock } from '../sql/block.ts';
import type { SqlRow, SqlValue } from '../sql/value.ts';
import { bytesToHex, cellToBytes, cellToNumber, cellToText, hexToBytes } from '../sql/value.ts';
import type { Session } from './database.ts';
import { column } from './driver/cell.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows } from './driver/rows.ts';

/** A run inside the store: its small key and the week of its contents. */
export interface RunKey {
  readonly key: number;
  readonly id: string;
  readonly epoch: number;
}

/** Columns of a content; `c` is contents. */
export const contentColumns = 'c.id, c.kind, c.salt, c.size, c.is_packed, c.bytes, c.block_key, c.block_at';

const malformed = Buffer.from('{"error":"malformed stored value","raw":null}');

function rowToContent(row: SqlRow, blockByKey: ReadonlyMap<SqlValue, Uint8Array | null>): Content {
  const at = cellToNumber(row['block_at']) ?? 0;
  const own = row['bytes'] instanceof Uint8Array ? row['bytes'] : null;
  const unpacked = own !== null && row['is_packed'] === 1 ? unpackBlock(own) : own;
  const inBlock = blockByKey.get(row['block_key']!)?.subarray(at, at + (cellToNumber(row['size']) ?? 0)) ?? null;
  return {
    id: bytesToHex(row['id']),
    kind: (cellToText(row['kind']) ?? 'body') as ContentKind,
    salt: cellToBytes(row['salt']),
    // Damaged ones show as an error, and verification says so.
    bytes: unpacked ?? inBlock ?? malformed,
  };
}

/** Contents from their rows, all of one week; blocks are read once each, in one more round trip when there are any. */
export async function rowsToContents(db: Session, epoch: number, rows: readonly SqlRow[]): Promise<Content[]> {
  const keys = [...new Set(rows.flatMap((row) => row['block_key'] ?? []))];
  const blockByKey = new Map<SqlValue, Uint8Array | null>();
  if (keys.length > 0) {
    const blocks = await db.all(
      `SELECT key, packed FROM content_blocks WHERE project_key = (SELECT project_key()) AND epoch = $1 AND key = ANY ($2::int8[])`,
      epoch,
      column('int8', keys),
    );
    for (const { key, packed } of blocks) blockByKey.set(key!, unpackBlock(cellToBytes(packed)));
  }
  return rows.map((row) => rowToContent(row, blockByKey));
}

/** Contents by id, in that order; missing ones are left out. */
export async function readContents(
  db: Session,
  { epoch }: Pick<RunKey, 'epoch'>,
  ids: readonly string[],
): Promise<Content[]> {
  if (ids.length === 0) return [];
  const rows = await db.all(
    `SELECT ${contentColumns} FROM unnest($2::bytea[]) AS k (id) CROSS JOIN LATERAL (
       SELECT * FROM contents WHERE project_key = (SELECT project_key()) AND epoch = $1 AND id = k.id OFFSET 0) c`,
    epoch,
    column('bytea', [...new Set(ids)].map(hexToBytes)),
  );
  const contentById = new Map((await rowsToContents(db, epoch, rows)).map((content) => [content.id, content]));
  return ids.flatMap((id) => contentById.get(id) ?? []);
}

// UNION drops repeated rows: a hostile cycle ends.
const path = `WITH RECURSIVE path (id, parent_id, content_id, depth) AS (
    SELECT id, parent_id, content_id, depth FROM nodes WHERE project_key = (SELECT project_key()) AND epoch = $1 AND id = $2
    UNION
    SELECT n.id, n.parent_id, n.content_id, n.depth FROM path JOIN nodes n
      ON n.project_key = (SELECT project_key()) AND n.epoch = $1 AND n.id = path.parent_id WHERE path.depth > $3::float8 + 1)`;

/** Contents of a context in order, from index `from`; missing ones are left out. */
export async function readContext(db: Session, run: RunKey, nodeId: string, from: number): Promise<Content[]> {
  const rows = await db.all(
    `${path} SELECT ${contentColumns} FROM path JOIN contents c
       ON c.project_key = (SELECT project_key()) AND c.epoch = $1 AND c.id = path.content_id WHERE path.depth > $3 ORDER BY path.depth`,
    run.epoch,
    hexToBytes(nodeId),
    from,
  );
  return rowsToContents(db, run.epoch, rows);
}

/** Nodes of a context in order. One whose parent never arrived begins there. */
export async function readContextNodes(db: Session, run: RunKey, nodeId: string): Promise<ContextNode[]> {
  const rows = await db.all(`${path} SELECT * FROM path ORDER BY depth`, run.epoch, hexToBytes(nodeId), 0);
  return rows.map((row) => ({
    id: bytesToHex(row['id']),
    parentId: bytesToHex(row['parent_id']),
    contentId: bytesToHex(row['content_id']),
    depth: cellToNumber(row['depth']) ?? 0,
  }));
}

/** What names the words of a content; `null` for one without. Equal words are one document. */
export function documentOf(content: Content): Uint8Array | null {
  const words = contentToWords(content);
  return words === '' ? null : hash('sha256', words, 'buffer').subarray(0, 16);
}

const packBytesMin = 512;

/** In one order for all: two imports that bring the same never wait for each other in a circle. */
function byId<T extends { readonly id: Uint8Array; readonly epoch: number }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => a.epoch - b.epoch || Buffer.compare(a.id, b.id));
}

function once<T extends { readonly id: string }>(
  items: readonly { epoch: number; item: T }[],
): { epoch: number; item: T }[] {
  return [...new Map(items.map((each) => [`${each.epoch}/${each.item.id}`, each])).values()];
}

/** A statement that stores contents once and puts their words on the list of those to be indexed; it gives their number. */
export function contentsToInsert(contents: readonly { epoch: number; content: Content }[]): Statement | null {
  const rows = once(contents.map(({ epoch, content }) => ({ epoch, item: content }))).map(({ epoch, item }) => {
    const packed = item.bytes.length < packBytesMin ? null : packBytes(item.bytes, 'quick');
    const isPacked = packed !== null && packed.length < item.bytes.length;
    return {
      epoch,
      id: hexToBytes(item.id),
      kind: item.kind,
      salt: item.salt,
      size: item.bytes.length,
      document: documentOf(item),
      is_packed: isPacked ? 1 : 0,
      bytes: isPacked ? packed : item.bytes,
    };
  });
  if (rows.length === 0) return null;
  const insert = insertRows('contents', byId(rows), 'ON CONFLICT DO NOTHING RETURNING epoch, id, document');
  return {
    sql: `WITH made AS (${insert.sql}), queued AS (INSERT INTO word_queue (project_key, epoch, content_id)
        SELECT (SELECT project_key()), epoch, id FROM made WHERE document IS NOT NULL)
      SELECT count(*) AS count FROM made`,
    values: insert.values!,
  };
}

/** A statement that stores nodes once. */
export function nodesToInsert(nodes: readonly { epoch: number; node: ContextNode }[]): Statement | null {
  const rows = once(nodes.map(({ epoch, node }) => ({ epoch, item: node }))).map(({ epoch, item }) => ({
    epoch,
    id: hexToBytes(item.id),
    parent_id: hexToBytes(item.parentId),
    content_id: hexToBytes(item.contentId),
    depth: item.depth,
  }));
  return rows.length === 0 ? null : insertRows('nodes', byId(rows));
}

/** Uses of contents and contexts that a transaction notes; of a content the first step stands. */
export interface Uses {
  content(run: RunKey, contentId: string | null, stepId: string | null): void;
  context(run: RunKey, nodeId: string | null): void;
  statements(): Statement[];
  /** Contents that were noted, of one run. */
  contentIds(): ReadonlySet<string>;
}

/** No uses yet. */
export function createUses(): Uses {
  const contents = new Map<
    string,
    { epoch: number; run_key: number; content_id: Uint8Array; step_id: string | null }
  >();
  const contexts = new Map<string, { epoch: number; run_key: number; node_id: Uint8Array }>();
  return {
    content({ key, epoch }, contentId, stepId) {
      if (contentId === null) return;
      const name = `${key}/${contentId}`;
      if (!contents.has(name))
        contents.set(name, { epoch, run_key: key, content_id: hexToBytes(contentId), step_id: stepId });
    },
    context({ key, epoch }, nodeId) {
      if (nodeId !== null) contexts.set(`${key}/${nodeId}`, { epoch, run_key: key, node_id: hexToBytes(nodeId) });
    },
    contentIds: () => new Set([...contents.values()].map((use) => bytesToHex(use.content_id))),
    statements: () => [
      ...(contents.size > 0 ? [insertRows('content_use', [...contents.values()])] : []),
      ...(contexts.size > 0 ? [insertRows('context_use', [...contexts.values()])] : []),
    ],
  };
}

/** Whoever removes contents holds this alone; imports hold it together, so that none names what is going. */
export const lockContents: Statement = {
  sql: `SELECT pg_advisory_xact_lock(hashtext('tachograph.contents'), (SELECT project_key()))`,
};

/** The lock as imports take it. */
export const shareContents: Statement = {
  sql: `SELECT pg_advisory_xact_lock_shared(hashtext('tachograph.contents'), (SELECT project_key()))`,
};
