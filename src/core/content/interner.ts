import { sha256Hex } from '../digest.ts';
import type { Redactor } from '../redact/redactor.ts';
import { ExactJson } from '../record/recording.ts';
import type { Content, ContentKind, ContentNamer } from './content.ts';
import type { ContextNode } from './context.ts';
import { nodeIdOf, rootNodeId } from './context.ts';
import { encodeJson } from './encoder.ts';
import type { Snapshot } from './snapshot.ts';
import { isUnchanged, takeSnapshot } from './snapshot.ts';

/** What one journal entry will carry: filled by the interner with what is new, and with what redaction removed. */
export interface EntryDraft {
  readonly epoch: number;
  readonly contents: Content[];
  readonly nodes: ContextNode[];
  redactions: Record<string, number> | null;
}

/** A draft with nothing in it. */
export function createDraft(epoch: number): EntryDraft {
  return { epoch, contents: [], nodes: [], redactions: null };
}

/** Adds redaction counts to a draft. */
export function countRedactions(draft: EntryDraft, counts: Readonly<Record<string, number>> | null): void {
  if (counts === null) return;
  draft.redactions ??= {};
  for (const [kind, count] of Object.entries(counts)) {
    draft.redactions[kind] = (draft.redactions[kind] ?? 0) + count;
  }
}

/** A node held in memory, linked both ways so that a known context is found by walking. */
export interface TrieNode extends ContextNode {
  readonly parent: TrieNode | null;
  readonly childByContent: Map<string, TrieNode>;
  written: boolean;
}

/** A stretch of text, with its content id where it has been named before. */
export interface Piece {
  readonly text: string;
  readonly id: string | null;
}

/** Turns values into contents and contexts, each written once per epoch and journal. */
export interface Interner {
  /** Content id of a value; new bytes go into the draft. `undefined` is recorded as null. */
  content(kind: ContentKind, value: unknown, draft: EntryDraft): string;
  /** Content id of a text whose redaction has been done. */
  text(kind: ContentKind, text: string, draft: EntryDraft): string;
  /** Tip of the context that these values make, root first; `null` for an empty list. */
  context(kind: ContentKind, values: readonly unknown[], draft: EntryDraft): TrieNode | null;
  /** Tip of the path that these pieces make; a piece whose `id` is known and still stored is not named again. */
  path(
    kind: ContentKind,
    pieces: readonly Piece[],
    draft: EntryDraft,
  ): { readonly tip: TrieNode; readonly ids: readonly string[] };
  /** Nothing written before can be relied on any more: contents and nodes will be written anew. */
  forget(): void;
}

interface Named {
  readonly id: string;
  readonly snapshot: Snapshot;
  /** What redaction removed, so that a known content still counts on every step it is shown to. */
  readonly redactions: Readonly<Record<string, number>> | null;
}

interface EpochMemory {
  readonly known: Set<string>;
  readonly root: TrieNode;
}

const createRoot = (): TrieNode => ({
  id: rootNodeId,
  parentId: rootNodeId,
  contentId: rootNodeId,
  depth: 0,
  parent: null,
  childByContent: new Map(),
  written: true,
});

/** Text that stands for a value that could not be turned into JSON text. */
const unserialisable = '"[WITHHELD:serialise-failed]"';

/** An interner over a namer and a redactor. It remembers ids by object identity, confirmed against a snapshot. */
export function createInterner(options: { namer: ContentNamer; redactor: Redactor; knownMax: number }): Interner {
  const { namer, redactor } = options;
  let memoryByEpoch = new Map<number, EpochMemory>();
  let named = new WeakMap<object, Named>();
  /** Exact texts by the digest of what they were before redaction: a digest costs a fifth of a scan. */
  let namedByDigest = new Map<string, Pick<Named, 'id' | 'redactions'>>();
  let size = 0;

  const memoryOf = (epoch: number): EpochMemory => {
    let memory = memoryByEpoch.get(epoch);
    if (memory === undefined) {
      // Two epochs live side by side around a week's turn; older ones are of runs that still go on.
      if (memoryByEpoch.size >= 4) memoryByEpoch.clear();
      memory = { known: new Set(), root: createRoot() };
      memoryByEpoch.set(epoch, memory);
    }
    return memory;
  };

  const forget = (): void => {
    memoryByEpoch = new Map();
    namedByDigest = new Map();
    size = 0;
  };

  const keep = (kind: ContentKind, text: string, draft: EntryDraft): string => {
    const bytes = Buffer.from(text);
    const { id, salt } = namer.name(bytes);
    const { known } = memoryOf(draft.epoch);
    if (!known.has(id)) {
      known.add(id);
      size += 1;
      draft.contents.push({ id, salt, kind, bytes });
    }
    return id;
  };

  const exact = (kind: ContentKind, text: string, draft: EntryDraft): string => {
    const digest = sha256Hex(text);
    const hit = namedByDigest.get(digest);
    if (hit !== undefined && memoryOf(draft.epoch).known.has(hit.id)) {
      countRedactions(draft, hit.redactions);
      return hit.id;
    }
    const redacted = redactor.json(text);
    countRedactions(draft, redacted.counts);
    const id = keep(kind, redacted.value, draft);
    namedByDigest.set(digest, { id, redactions: redacted.counts });
    return id;
  };

  /** The id of an object that has been named before and has not changed since. */
  const recall = (value: object, draft: EntryDraft): string | null => {
    const hit = named.get(value);
    if (hit === undefined || !memoryOf(draft.epoch).known.has(hit.id) || !isUnchanged(value, hit.snapshot)) return null;
    countRedactions(draft, hit.redactions);
    return hit.id;
  };

  const nameAnew = (kind: ContentKind, value: unknown, snapshot: Snapshot | null, draft: EntryDraft): string => {
    let text: string;
    try {
      text = encodeJson(value, snapshot === null || snapshot.special);
    } catch {
      // Too large to be one text.
      countRedactions(draft, { 'serialise-failed': 1 });
      return keep(kind, unserialisable, draft);
    }
    // An object of which no picture can be taken is encoded every time, but at least not searched every time.
    if (snapshot === null && typeof value === 'object' && value !== null) return exact(kind, text, draft);
    const redacted = redactor.json(text);
    countRedactions(draft, redacted.counts);
    const id = keep(kind, redacted.value, draft);
    if (snapshot !== null) named.set(value as object, { id, snapshot, redactions: redacted.counts });
    return id;
  };

  const content = (kind: ContentKind, value: unknown, draft: EntryDraft): string => {
    let snapshot: Snapshot | null = null;
    try {
      if (value instanceof ExactJson && typeof value.text === 'string') return exact(kind, value.text, draft);
      if (typeof value === 'object' && value !== null) {
        const known = recall(value, draft);
        if (known !== null) return known;
        snapshot = takeSnapshot(value);
      }
    } catch {
      // A getter or proxy that throws: the encoder keeps what can be read of it.
      snapshot = null;
    }
    return nameAnew(kind, value, snapshot, draft);
  };

  const childOf = (parent: TrieNode, contentId: string): TrieNode => {
    let child = parent.childByContent.get(contentId);
    if (child === undefined) {
      const id = nodeIdOf(parent.id, contentId);
      child = {
        id,
        parentId: parent.id,
        contentId,
        depth: parent.depth + 1,
        parent,
        childByContent: new Map(),
        written: false,
      };
      parent.childByContent.set(contentId, child);
      size += 1;
    }
    return child;
  };

  /** The next node of a context, written when it is new. */
  const grow = (node: TrieNode, contentId: string, draft: EntryDraft): TrieNode => {
    const child = childOf(node, contentId);
    if (!child.written) {
      child.written = true;
      draft.nodes.push({ id: child.id, parentId: child.parentId, contentId: child.contentId, depth: child.depth });
    }
    return child;
  };

  const rootOf = (draft: EntryDraft): TrieNode => {
    if (size > options.knownMax) forget();
    return memoryOf(draft.epoch).root;
  };

  return {
    content,
    text: keep,
    context(kind, values, draft) {
      const root = rootOf(draft);
      let node = root;
      for (const value of values) node = grow(node, content(kind, value, draft), draft);
      return node === root ? null : node;
    },
    path(kind, pieces, draft) {
      let node = rootOf(draft);
      const { known } = memoryOf(draft.epoch);
      const ids: string[] = [];
      for (const { text, id } of pieces) {
        const contentId = id !== null && known.has(id) ? id : keep(kind, text, draft);
        ids.push(contentId);
        node = grow(node, contentId, draft);
      }
      return { tip: node, ids };
    },
    forget() {
      forget();
      named = new WeakMap();
    },
  };
}
