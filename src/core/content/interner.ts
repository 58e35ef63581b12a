import { sha256Hex } from '../digest.ts';
import type { Redactor } from '../redact/redactor.ts';
import { ExactJson } from '../record/recording.ts';
import type { Content, ContentKind, ContentNamer } from './content.ts';
import type { ContextNode } from './context.ts';
import { nodeIdOf, rootNodeId } from './context.ts';
import { encodeJson } from './encoder.ts';
import type { Snapshot } from './snapshot.ts';
import { isPlainJson, isUnchanged, takeSnapshot } from './snapshot.ts';

/** What one journal entry will carry: filled by the interner with what is new, and with what redaction removed. */
export interface EntryDraft {
  readonly epoch: number;
  readonly contents: Content[];
  readonly nodes: ContextNode[];
  redactions: Record<string, number> | null;
  /** Fields of the event's payload that are ours, as JSON text with a comma before each; see `addOwn`. */
  own: string;
}

/** A draft with nothing in it. */
export function createDraft(epoch: number): EntryDraft {
  return { epoch, contents: [], nodes: [], redactions: null, own: '' };
}

/** Adds a field to the payload that is never redacted: an id of our making, or a number. Never anybody's words (I4). */
export function addOwn(draft: EntryDraft, key: string, value: string | number): void {
  draft.own += typeof value === 'string' ? `,"${key}":"${value}"` : `,"${key}":${value}`;
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
  /** `null` as long as nothing follows: most nodes are the last of their context. */
  childByContent: Map<string, TrieNode> | null;
  written: boolean;
}

/** A path that was made before, and what it was made in: as long as that is remembered, its nodes stand. */
export interface KnownPath {
  readonly tip: TrieNode;
  readonly serial: number;
}

/** Turns values into contents and contexts, each written once per epoch and journal. */
export interface Interner {
  /** Content id of a value; new bytes go into the draft. `undefined` is recorded as null. */
  content(kind: ContentKind, value: unknown, draft: EntryDraft): string;
  /** Content id of a text whose redaction has been done. */
  text(kind: ContentKind, text: string, draft: EntryDraft): string;
  /** Tip of the context that these values make, root first; `null` for an empty list. */
  context(kind: ContentKind, values: readonly unknown[], draft: EntryDraft): TrieNode | null;
  /**
   * The path that these texts make, behind the first `depth` nodes of a known one where it goes on from one; `null`
   * when that one is no longer remembered and all texts are needed.
   */
  path(
    kind: ContentKind,
    pieces: { readonly known: { path: KnownPath; depth: number } | null; readonly texts: readonly string[] },
    draft: EntryDraft,
  ): KnownPath | null;
  /** Content id of one of the values that a context was made of. */
  idAt(tip: TrieNode, index: number): string;
  /** Nothing written before can be relied on any more: contents and nodes will be written anew. */
  forget(): void;
}

interface Named extends KnownText {
  readonly snapshot: Snapshot;
}

/** What a text or value was recorded as. */
interface KnownText {
  readonly id: string;
  /** The memory in which its bytes are known to be written; asked first, for a look into the set costs a hash. */
  serial: number;
  /** What redaction removed, so that a known content still counts on every step it is shown to. */
  readonly redactions: Readonly<Record<string, number>> | null;
}

interface EpochMemory {
  /** No two memories share one. */
  readonly serial: number;
  readonly known: Set<string>;
  readonly root: TrieNode;
}

/** The node at a depth on the way to another. */
function ancestorAt(tip: TrieNode, depth: number): TrieNode {
  let node = tip;
  while (node.depth > depth && node.parent !== null) node = node.parent;
  return node;
}

const createRoot = (): TrieNode => ({
  id: rootNodeId,
  parentId: rootNodeId,
  contentId: rootNodeId,
  depth: 0,
  parent: null,
  childByContent: null,
  written: true,
});

/** Texts so short are known by themselves: a picture of the value, and comparing with it, would cost as much. */
const shortCharsMax = 512;
const shortTextsMax = 4096;

/** Text that stands for a value that could not be turned into JSON text. */
const unserialisable = '"[WITHHELD:serialise-failed]"';

/** An interner over a namer and a redactor. It remembers ids by object identity, confirmed against a snapshot. */
export function createInterner(options: { namer: ContentNamer; redactor: Redactor; knownMax: number }): Interner {
  const { namer, redactor } = options;
  const memoryByEpoch = new Map<number, EpochMemory>();
  let named = new WeakMap<object, Named>();
  /** Exact texts by the digest of what they were before redaction: a digest costs a fifth of a scan. */
  let namedByDigest = new Map<string, KnownText>();
  /** Short texts as they were before redaction: the arguments, answers and roles that come again and again. */
  let namedByText = new Map<string, KnownText>();
  let size = 0;
  let serials = 0;

  /** Who holds on to a path holds its own nodes, and not all the others. */
  const dropMemories = (): void => {
    for (const { root } of memoryByEpoch.values()) root.childByContent = null;
    memoryByEpoch.clear();
  };

  const memoryOf = (epoch: number): EpochMemory => {
    let memory = memoryByEpoch.get(epoch);
    if (memory === undefined) {
      // Two epochs live side by side around a week's turn; older ones are of runs that still go on.
      if (memoryByEpoch.size >= 4) dropMemories();
      memory = { serial: (serials += 1), known: new Set(), root: createRoot() };
      memoryByEpoch.set(epoch, memory);
    }
    return memory;
  };

  const forget = (): void => {
    dropMemories();
    namedByDigest = new Map();
    namedByText = new Map();
    size = 0;
  };

  const keep = (kind: ContentKind, text: string, draft: EntryDraft): string => {
    const bytes = Buffer.from(text);
    const { id, salt } = namer.name(bytes);
    const { known } = memoryOf(draft.epoch);
    const before = known.size;
    known.add(id);
    if (known.size > before) {
      size += 1;
      draft.contents.push({ id, salt, kind, bytes });
    }
    return id;
  };

  const nameText = (kind: ContentKind, text: string, draft: EntryDraft): KnownText => {
    const { value, counts: redactions } = redactor.json(text);
    countRedactions(draft, redactions);
    return { id: keep(kind, value, draft), serial: memoryOf(draft.epoch).serial, redactions };
  };

  const isKnown = <T extends KnownText>(hit: T | undefined, draft: EntryDraft): hit is T => {
    if (hit === undefined) return false;
    const memory = memoryOf(draft.epoch);
    if (hit.serial !== memory.serial) {
      if (!memory.known.has(hit.id)) return false;
      hit.serial = memory.serial;
    }
    countRedactions(draft, hit.redactions);
    return true;
  };

  const exact = (kind: ContentKind, text: string, draft: EntryDraft): string => {
    const digest = sha256Hex(text);
    const hit = namedByDigest.get(digest);
    if (isKnown(hit, draft)) return hit.id;
    const named = nameText(kind, text, draft);
    namedByDigest.set(digest, named);
    return named.id;
  };

  const short = (kind: ContentKind, text: string, draft: EntryDraft): string => {
    const hit = namedByText.get(text);
    if (isKnown(hit, draft)) return hit.id;
    const named = nameText(kind, text, draft);
    if (namedByText.size >= shortTextsMax) namedByText.clear();
    namedByText.set(text, named);
    return named.id;
  };

  /** A picture of the value, to know it by; `null` when there is none to be had. */
  const pictureOf = (value: object): Snapshot | null => {
    try {
      return takeSnapshot(value);
    } catch {
      // A getter or proxy that throws.
      return null;
    }
  };

  const encode = (value: unknown): string => {
    let isPlain = false;
    try {
      isPlain = isPlainJson(value);
    } catch {
      // A getter or proxy that throws: the encoder keeps what can be read of it.
      isPlain = false;
    }
    return encodeJson(value, !isPlain);
  };

  const nameAnew = (kind: ContentKind, value: unknown, draft: EntryDraft): string => {
    let text: string;
    try {
      text = encode(value);
    } catch {
      // Too large to be one text.
      countRedactions(draft, { 'serialise-failed': 1 });
      return keep(kind, unserialisable, draft);
    }
    if (text.length <= shortCharsMax) return short(kind, text, draft);
    if (typeof value !== 'object' || value === null) return nameText(kind, text, draft).id;
    const snapshot = pictureOf(value);
    // An object of which no picture can be taken is encoded every time, but at least not searched every time.
    if (snapshot === null) return exact(kind, text, draft);
    const known = nameText(kind, text, draft);
    named.set(value, { ...known, snapshot });
    return known.id;
  };

  /** The id of an object that has been named before and has not changed since. */
  const recall = (value: object, draft: EntryDraft): string | null => {
    const hit = named.get(value);
    return hit !== undefined && isUnchanged(value, hit.snapshot) && isKnown(hit, draft) ? hit.id : null;
  };

  const content = (kind: ContentKind, value: unknown, draft: EntryDraft): string => {
    let known: string | null = null;
    try {
      if (value instanceof ExactJson && typeof value.text === 'string') return exact(kind, value.text, draft);
      if (typeof value === 'object' && value !== null) known = recall(value, draft);
    } catch {
      // A getter or proxy that throws: what can be read of it is named anew.
      known = null;
    }
    return known ?? nameAnew(kind, value, draft);
  };

  const childOf = (parent: TrieNode, contentId: string): TrieNode => {
    let child = parent.childByContent?.get(contentId);
    if (child === undefined) {
      const id = nodeIdOf(parent.id, contentId);
      child = {
        id,
        parentId: parent.id,
        contentId,
        depth: parent.depth + 1,
        parent,
        childByContent: null,
        written: false,
      };
      (parent.childByContent ??= new Map()).set(contentId, child);
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
    path(kind, { known, texts }, draft) {
      const root = rootOf(draft);
      const { serial } = memoryOf(draft.epoch);
      if (known !== null && known.path.serial !== serial) return null;
      let node = known === null ? root : ancestorAt(known.path.tip, known.depth);
      for (const text of texts) node = grow(node, keep(kind, text, draft), draft);
      return { tip: node, serial };
    },
    idAt: (tip, index) => ancestorAt(tip, index + 1).contentId,
    forget() {
      forget();
      named = new WeakMap();
    },
  };
}
