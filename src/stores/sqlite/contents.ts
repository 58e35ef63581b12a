import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Content, ContentKind } from '../../core/content/content.ts';
import type { ContextNode } from '../../core/content/context.ts';
import { rootNodeId } from '../../core/content/context.ts';
import type { SqlRow } from '../sql/value.ts';
import { bytesToHex, hexToBytes } from '../sql/value.ts';
import type { Database } from './database.ts';

/** Where contents live: a project and an epoch. */
export interface Place {
  readonly project: number;
  readonly epoch: number;
}

/** A run inside the store: its small key and the place of its contents. */
export interface RunKey extends Place {
  readonly key: number;
  readonly id: string;
}

// A zstd call costs 25 µs of set-up whatever its size (2026-11-20), so small contents stay as they are.
const packFromBytes = 1024;

function packBytes(bytes: Uint8Array): { isPacked: number; bytes: Uint8Array } {
  if (bytes.length < packFromBytes) return { isPacked: 0, bytes };
  const packed = zstdCompressSync(bytes);
  return packed.length < bytes.length ? { isPacked: 1, bytes: packed } : { isPacked: 0, bytes };
}

/** A content from its row; `null` when its bytes are not there. Bytes that no longer unpack are shown as an error. */
export function rowToContent(row: SqlRow): Content | null {
  const stored = row['bytes'] as Uint8Array | null;
  if (stored === null) return null;
  let bytes = stored;
  if (row['is_packed'] === 1) {
    try {
      bytes = zstdDecompressSync(stored);
    } catch {
      bytes = Buffer.from(JSON.stringify({ error: 'malformed stored value', raw: bytesToHex(stored.subarray(0, 256)) }));
    }
  }
  return { id: bytesToHex(row['id'] as Uint8Array), kind: row['kind'] as ContentKind, salt: row['salt'] as Uint8Array, bytes };
}

/** Keys met in one transaction, by epoch and id: most contents of a batch are named several times in it. */
export type KnownKeys = Map<string, number>;

/** Key of a content, whether its bytes are there or not; made when it is new, so that others can name it. */
function contentKeyOf(db: Database, place: Place, id: string, known: KnownKeys): number {
  const name = `${place.epoch}/${id}`;
  let key = known.get(name);
  if (key === undefined) known.set(name, (key = findContentKey(db, place, id)));
  return key;
}

function findContentKey(db: Database, place: Place, id: string): number {
  const cell = hexToBytes(id);
  const found = db.get('SELECT key FROM contents WHERE project_key = ? AND epoch = ? AND id = ?', place.project, place.epoch, cell);
  if (found !== undefined) return found['key'] as number;
  const made = db.get('INSERT INTO contents (project_key, epoch, id, is_packed) VALUES (?, ?, ?, 0) RETURNING key', place.project, place.epoch, cell);
  return made!['key'] as number;
}

/** Stores a content once; the key, and whether its bytes are new. */
export function putContent(db: Database, place: Place, content: Content, known: KnownKeys): { key: number; isNew: boolean } {
  const put = insertContent(db, place, content);
  known.set(`${place.epoch}/${content.id}`, put.key);
  return put;
}

function insertContent(db: Database, place: Place, content: Content): { key: number; isNew: boolean } {
  const id = hexToBytes(content.id);
  const found = db.get('SELECT key, bytes IS NOT NULL AS has_bytes FROM contents WHERE project_key = ? AND epoch = ? AND id = ?', place.project, place.epoch, id);
  if (found?.['has_bytes'] === 1) return { key: found['key'] as number, isNew: false };
  const { isPacked, bytes } = packBytes(content.bytes);
  const made = db.get(
    `INSERT INTO contents (project_key, epoch, id, kind, salt, is_packed, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (project_key, epoch, id) DO UPDATE SET kind = excluded.kind, salt = excluded.salt, is_packed = excluded.is_packed, bytes = excluded.bytes
     RETURNING key`,
    place.project, place.epoch, id, content.kind, content.salt, isPacked, bytes,
  );
  return { key: made!['key'] as number, isNew: true };
}

/** A content by id, or `null` when its bytes are not there. */
export function readContent(db: Database, place: Place, id: string): Content | null {
  const row = db.get('SELECT * FROM contents WHERE project_key = ? AND epoch = ? AND id = ?', place.project, place.epoch, hexToBytes(id));
  return row === undefined ? null : rowToContent(row);
}

/** Key of a node, made as a bare name when the node itself has not arrived; the root has none. */
function nodeKeyOf(db: Database, place: Place, id: string): number | null {
  if (id === rootNodeId) return null;
  const cell = hexToBytes(id);
  const found = db.get('SELECT key FROM nodes WHERE project_key = ? AND epoch = ? AND id = ?', place.project, place.epoch, cell);
  if (found !== undefined) return found['key'] as number;
  const made = db.get('INSERT INTO nodes (project_key, epoch, id, depth) VALUES (?, ?, ?, 0) RETURNING key', place.project, place.epoch, cell);
  return made!['key'] as number;
}

/** Stores a node once, after its parent. */
export function putNode(db: Database, place: Place, node: ContextNode, known: KnownKeys): number {
  const made = db.get(
    `INSERT INTO nodes (project_key, epoch, id, parent_key, content_key, depth) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (project_key, epoch, id) DO UPDATE SET parent_key = excluded.parent_key, content_key = excluded.content_key, depth = excluded.depth
     RETURNING key`,
    place.project, place.epoch, hexToBytes(node.id), nodeKeyOf(db, place, node.parentId), contentKeyOf(db, place, node.contentId, known), node.depth,
  );
  return made!['key'] as number;
}

// Keys are integers, so that a path of 1,000 nodes is 1,000 steps along a rowid. CROSS JOIN keeps the planner from
// scanning nodes for each step of the recursion. UNION drops repeated rows: a hostile cycle ends.
const path = `WITH RECURSIVE path (key, id, parent_key, content_key, depth) AS (
    SELECT key, id, parent_key, content_key, depth FROM nodes WHERE project_key = ? AND epoch = ? AND id = ?
    UNION
    SELECT n.key, n.id, n.parent_key, n.content_key, n.depth FROM path CROSS JOIN nodes n ON n.key = path.parent_key
    WHERE path.depth > ? + 1)`;

/** Contents of a context in order, from index `from`; missing ones are left out. */
export function readContext(db: Database, place: Place, nodeId: string, from: number): Content[] {
  const rows = db.all(
    `${path} SELECT c.id, c.kind, c.salt, c.is_packed, c.bytes FROM path CROSS JOIN contents c ON c.key = path.content_key
     WHERE path.depth > ? ORDER BY path.depth`,
    place.project, place.epoch, hexToBytes(nodeId), from, from,
  );
  return rows.flatMap((row) => rowToContent(row) ?? []);
}

/** Nodes of a context in order. One whose parent never arrived begins there. */
export function readContextNodes(db: Database, place: Place, nodeId: string): ContextNode[] {
  const rows = db.all(
    `${path} SELECT path.id, path.depth, p.id AS parent_id, c.id AS content_id FROM path
     CROSS JOIN contents c ON c.key = path.content_key LEFT JOIN nodes p ON p.key = path.parent_key ORDER BY path.depth`,
    place.project, place.epoch, hexToBytes(nodeId), 0,
  );
  return rows.map((row) => ({
    id: bytesToHex(row['id'] as Uint8Array),
    parentId: row['parent_id'] === null ? rootNodeId : bytesToHex(row['parent_id'] as Uint8Array),
    contentId: bytesToHex(row['content_id'] as Uint8Array),
    depth: row['depth'] as number,
  }));
}

/** Notes that a run uses a content; the first step stands. */
export function useContent(db: Database, run: RunKey, contentId: string, stepKey: number | null, known: KnownKeys): void {
  const key = contentKeyOf(db, run, contentId, known);
  db.run('INSERT INTO content_use (run_key, content_key, step_key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', run.key, key, stepKey);
}

/** Notes that a run's step saw a context, whose tip is this node. */
export function useContext(db: Database, run: RunKey, nodeId: string): void {
  const key = nodeKeyOf(db, run, nodeId);
  if (key !== null) db.run('INSERT INTO context_use (run_key, node_key) VALUES (?, ?) ON CONFLICT DO NOTHING', run.key, key);
}
