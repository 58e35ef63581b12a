import { hash } from 'node:crypto';
import type { Content, ContentKind } from '../../core/content/content.ts';
import type { ContextNode } from '../../core/content/context.ts';
import { rootNodeId } from '../../core/content/context.ts';
import { contentToWords } from '../../core/query/words.ts';
import { partsToBlocks, unpackBlock } from '../sql/block.ts';
import type { SqlRow } from '../sql/value.ts';
import { bytesToHex, cellToBytes, cellToNumber, cellToText, hexToBytes } from '../sql/value.ts';
import type { Database } from './database.ts';

/*
 * Contents, documents and nodes are found by the first 8 bytes of their digest, which the index holds, and told apart by
 * all of it. No index forbids two of the same: every writer looks first, under the lock of its transaction.
 */
const placedAs = 'project_key = ? AND epoch = ? AND substr(id, 1, 8) = substr(?, 1, 8) AND id = ?';

/** The values of `placedAs`. A value is given as often as it is used: node:sqlite of Node 22 takes no numbered ones. */
const placedValues = ({ project, epoch }: Place, id: Uint8Array): [number, number, Uint8Array, Uint8Array] => [
  project,
  epoch,
  id,
  id,
];

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

/** Columns of a content with its bytes where they are not in a block; `c` is contents, `b` content_bytes. */
export const contentColumns = 'c.key, c.id, c.kind, c.salt, c.size, c.document_key, c.block_key, c.block_at, b.bytes';
const fromContents = 'FROM contents c LEFT JOIN content_bytes b ON b.key = c.key';
const unpackedMax = 32;

/** Reads contents from their rows, unpacking each block once. */
export type ContentReader = (row: SqlRow) => Content | null;

/** A reader for the rows of one answer; `null` for a content whose bytes are not there. Damaged ones show as an error. */
export function createContentReader(db: Database): ContentReader {
  const blockByKey = new Map<number, Uint8Array | null>();
  const readBlock = (key: number): Uint8Array | null => {
    let block = blockByKey.get(key);
    if (block === undefined) {
      if (blockByKey.size >= unpackedMax) blockByKey.clear();
      const row = db.get('SELECT packed FROM content_blocks WHERE key = ?', key);
      block = row === undefined ? null : unpackBlock(cellToBytes(row['packed']));
      blockByKey.set(key, block);
    }
    return block;
  };
  return (row) => {
    if (row['size'] === null) return null;
    const at = cellToNumber(row['block_at']) ?? 0;
    const block = row['block_key'] === null ? null : readBlock(row['block_key'] as number);
    const packed = block?.subarray(at, at + (cellToNumber(row['size']) ?? 0)) ?? null;
    const bytes =
      (row['bytes'] instanceof Uint8Array ? row['bytes'] : null) ??
      packed ??
      Buffer.from('{"error":"malformed stored value","raw":null}');
    return {
      id: bytesToHex(row['id']),
      kind: (cellToText(row['kind']) ?? 'body') as ContentKind,
      salt: cellToBytes(row['salt']),
      bytes,
    };
  };
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
  const found = db.get(`SELECT key FROM contents WHERE ${placedAs}`, ...placedValues(place, cell));
  if (found !== undefined) return found['key'] as number;
  const made = db.get(
    'INSERT INTO contents (project_key, epoch, id) VALUES (?, ?, ?) RETURNING key',
    place.project,
    place.epoch,
    cell,
  );
  return made!['key'] as number;
}

/** Key of the document with these words, made when it is new; `null` for no words. */
export function documentKeyOf(db: Database, place: Place, words: string): { key: number; isNew: boolean } | null {
  if (words === '') return null;
  const digest = hash('sha256', words, 'buffer').subarray(0, 16);
  const found = db.get(
    'SELECT key FROM documents WHERE project_key = ? AND epoch = ? AND substr(hash, 1, 8) = substr(?, 1, 8) AND hash = ?',
    ...placedValues(place, digest),
  );
  if (found !== undefined) return { key: found['key'] as number, isNew: false };
  const made = db.get(
    'INSERT INTO documents (project_key, epoch, hash) VALUES (?, ?, ?) RETURNING key',
    place.project,
    place.epoch,
    digest,
  );
  return { key: made!['key'] as number, isNew: true };
}

/** What storing a content did. */
export interface PutContent {
  readonly isNew: boolean;
  /** The document to index, when its words are new. */
  readonly newDocument: { readonly key: number; readonly words: string } | null;
}

/** Stores a content once. */
export function putContent(db: Database, place: Place, content: Content, known: KnownKeys): PutContent {
  const id = hexToBytes(content.id);
  const name = `${place.epoch}/${content.id}`;
  const found = db.get(`SELECT key, size FROM contents WHERE ${placedAs}`, ...placedValues(place, id));
  if (found !== undefined && found['size'] !== null) {
    known.set(name, found['key'] as number);
    return { isNew: false, newDocument: null };
  }
  const words = contentToWords(content);
  const document = documentKeyOf(db, place, words);
  const fields = [content.kind, content.salt, content.bytes.length, document?.key ?? null];
  const row =
    found === undefined
      ? db.get(
          'INSERT INTO contents (project_key, epoch, id, kind, salt, size, document_key) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING key',
          place.project,
          place.epoch,
          id,
          ...fields,
        )
      : db.get(
          'UPDATE contents SET kind = ?, salt = ?, size = ?, document_key = ? WHERE key = ? RETURNING key',
          ...fields,
          found['key']!,
        );
  const key = row!['key'] as number;
  db.run('INSERT INTO content_bytes (key, bytes) VALUES (?, ?)', key, content.bytes);
  known.set(name, key);
  return { isNew: true, newDocument: document?.isNew === true ? { key: document.key, words } : null };
}

/** A content by id, or `null` when its bytes are not there. */
export function readContent(
  db: Database,
  place: Place,
  id: string,
  read: ContentReader = createContentReader(db),
): Content | null {
  const row = db.get(
    `SELECT ${contentColumns} ${fromContents}
     WHERE c.project_key = ? AND c.epoch = ? AND substr(c.id, 1, 8) = substr(?, 1, 8) AND c.id = ?`,
    ...placedValues(place, hexToBytes(id)),
  );
  return row === undefined ? null : read(row);
}

/** Contents by id, in that order; missing ones are left out. */
export function readContents(db: Database, place: Place, ids: readonly string[]): Content[] {
  const read = createContentReader(db);
  return ids.flatMap((id) => readContent(db, place, id, read) ?? []);
}

interface NodeRow {
  readonly key: number;
  /** It came itself, and is more than a name that others made. */
  readonly isWhole: boolean;
}

function findNode(db: Database, place: Place, id: string): NodeRow | null {
  const row = db.get(`SELECT key, content_key FROM nodes WHERE ${placedAs}`, ...placedValues(place, hexToBytes(id)));
  return row === undefined ? null : { key: row['key'] as number, isWhole: row['content_key'] !== null };
}

/** Key of a node, made as a bare name when the node itself has not arrived; the root has none. */
function nodeKeyOf(db: Database, place: Place, id: string): number | null {
  if (id === rootNodeId) return null;
  const found = findNode(db, place, id);
  if (found !== null) return found.key;
  const made = db.get(
    'INSERT INTO nodes (project_key, epoch, id, depth) VALUES (?, ?, ?, 0) RETURNING key',
    place.project,
    place.epoch,
    hexToBytes(id),
  );
  return made!['key'] as number;
}

/** Stores a node once, after its parent. */
export function putNode(db: Database, place: Place, node: ContextNode, known: KnownKeys): void {
  const found = findNode(db, place, node.id);
  if (found?.isWhole === true) return;
  const fields = [nodeKeyOf(db, place, node.parentId), contentKeyOf(db, place, node.contentId, known), node.depth];
  if (found === null)
    db.run(
      'INSERT INTO nodes (project_key, epoch, id, parent_key, content_key, depth) VALUES (?, ?, ?, ?, ?, ?)',
      place.project,
      place.epoch,
      hexToBytes(node.id),
      ...fields,
    );
  else db.run('UPDATE nodes SET parent_key = ?, content_key = ?, depth = ? WHERE key = ?', ...fields, found.key);
}

// Keys are integers, so that a path of 1,000 nodes is 1,000 steps along a rowid. CROSS JOIN keeps the planner from
// scanning nodes for each step of the recursion. UNION drops repeated rows: a hostile cycle ends.
const path = `WITH RECURSIVE path (key, id, parent_key, content_key, depth) AS (
    SELECT key, id, parent_key, content_key, depth FROM nodes WHERE ${placedAs}
    UNION
    SELECT n.key, n.id, n.parent_key, n.content_key, n.depth FROM path CROSS JOIN nodes n ON n.key = path.parent_key
    WHERE path.depth > ? + 1)`;

/** Contents of a context in order, from index `from`; missing ones are left out. */
export function readContext(db: Database, place: Place, nodeId: string, from: number): Content[] {
  const rows = db.all(
    `${path} SELECT ${contentColumns} FROM path CROSS JOIN contents c ON c.key = path.content_key
     LEFT JOIN content_bytes b ON b.key = c.key WHERE path.depth > ? ORDER BY path.depth`,
    ...placedValues(place, hexToBytes(nodeId)),
    from,
    from,
  );
  const read = createContentReader(db);
  return rows.flatMap((row) => read(row) ?? []);
}

/** Nodes of a context in order. One whose parent never arrived begins there. */
export function readContextNodes(db: Database, place: Place, nodeId: string): ContextNode[] {
  const rows = db.all(
    `${path} SELECT path.id, path.depth, p.id AS parent_id, c.id AS content_id FROM path
     CROSS JOIN contents c ON c.key = path.content_key LEFT JOIN nodes p ON p.key = path.parent_key ORDER BY path.depth`,
    ...placedValues(place, hexToBytes(nodeId)),
    0,
  );
  return rows.map((row) => ({
    id: bytesToHex(row['id']),
    parentId: row['parent_id'] === null ? rootNodeId : bytesToHex(row['parent_id']),
    contentId: bytesToHex(row['content_id']),
    depth: cellToNumber(row['depth']) ?? 0,
  }));
}

/** Notes that a run uses a content; the first step stands. */
export function useContent(
  db: Database,
  run: RunKey,
  contentId: string,
  stepKey: number | null,
  known: KnownKeys,
): void {
  const key = contentKeyOf(db, run, contentId, known);
  db.run(
    'INSERT INTO content_use (run_key, content_key, step_key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    run.key,
    key,
    stepKey,
  );
}

/** Notes that a run's step saw a context, whose tip is this node. */
export function useContext(db: Database, run: RunKey, nodeId: string): void {
  const key = nodeKeyOf(db, run, nodeId);
  if (key !== null)
    db.run('INSERT INTO context_use (run_key, node_key) VALUES (?, ?) ON CONFLICT DO NOTHING', run.key, key);
}

const packRows = 200;
const packBytesMin = 1024;

/** Moves contents that a run uses into blocks, some of them; false when nothing worth it is left. */
export function packContents(db: Database, runKey: number): boolean {
  const rows = db.all(
    `SELECT c.key, b.bytes FROM content_use u CROSS JOIN contents c ON c.key = u.content_key CROSS JOIN content_bytes b ON b.key = c.key
     WHERE u.run_key = ? ORDER BY c.key LIMIT ${packRows}`,
    runKey,
  );
  const parts = rows.map((row) => ({ key: row['key'] as number, bytes: row['bytes'] as Uint8Array }));
  if (parts.reduce((sum, part) => sum + part.bytes.length, 0) < packBytesMin) return false;
  putBlocks(db, parts);
  for (const { key } of parts) db.run('DELETE FROM content_bytes WHERE key = ?', key);
  return rows.length === packRows;
}

function putBlocks(db: Database, parts: readonly { key: number; bytes: Uint8Array }[]): void {
  for (const { packed, places } of partsToBlocks(parts)) {
    const block = db.get('INSERT INTO content_blocks (packed) VALUES (?) RETURNING key', packed)!['key']!;
    for (const { key, at } of places)
      db.run('UPDATE contents SET block_key = ?, block_at = ? WHERE key = ?', block, at, key);
  }
}

/** Packs the blocks anew without the contents that were removed from them. */
export function repackBlocks(db: Database, blocks: ReadonlySet<number>): void {
  for (const block of blocks) {
    const packed = db.get('DELETE FROM content_blocks WHERE key = ? RETURNING packed', block)?.['packed'];
    const bytes = packed instanceof Uint8Array ? unpackBlock(packed) : null;
    const rows = db.all('SELECT key, block_at, size FROM contents WHERE block_key = ? ORDER BY block_at', block);
    if (bytes === null) continue;
    const parts = rows.map((row) => {
      const at = row['block_at'] as number;
      return { key: row['key'] as number, bytes: bytes.subarray(at, at + (row['size'] as number)) };
    });
    putBlocks(db, parts);
  }
}
