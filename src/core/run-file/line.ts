import type { Content, ContentKind } from '../content/content.ts';
import { contentKinds } from '../content/content.ts';
import { isHeaderInRange } from '../import/header-reading.ts';
import { isUuid } from '../id.ts';
import type { EventHeader, EventType } from '../record/event.ts';
import { headerToText } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';

// A run file, line by line; each line is a JSON array without white space, in UTF-8, and ends with a line feed:
//
//   ["tachograph-run",1,project,run,root run,[[writer,last n,events],…],seals]      once, first
//   ["seal",project,run,number,[[writer,count,head,erased],…],time,previous,key,signature]
//   ["content",id,salt,kind,text]    or, for bytes that are no UTF-8, ["bytes",id,salt,kind,base64]
//   ["context",tip,parent node,[content id,…]]                                    nodes that the file did not have yet
//   ["absent","content" or "context",id]                                          named by the next event, and erased
//   ["event",header,payload,salt,hash]    or, once erased, ["erased",header,digest,hash]
//   ["end",digest of all lines before,key,signature]                              once, last
//
// Header and payload are the exact texts that were hashed, as JSON strings. A line has one form only: what JSON.stringify
// makes of its values.

/** The version of the format. A reader takes this one and no other. */
export const runFileVersion = 1;

/** How far a writer's events in the file go. */
export interface WriterExtent {
  readonly writerId: string;
  /** The highest n. */
  readonly last: number;
  /** Fewer than `last` when some were lost. */
  readonly events: number;
}

/** What a run file says of itself first. */
export interface Manifest {
  readonly projectId: string;
  readonly runId: string;
  readonly rootRunId: string;
  readonly writers: readonly WriterExtent[];
  readonly seals: number;
}

/** The last line: a signature over everything before it. */
export interface Closing {
  /** SHA-256 of all bytes before the line, 64 hex digits. */
  readonly digest: string;
  /** Raw Ed25519 public key, 64 hex digits. */
  readonly publicKey: string;
  readonly signature: string;
}

/** An event as its line has it: the digest is computed where the payload is there. */
export type EventLine =
  | {
      readonly kind: 'event';
      readonly header: EventHeader;
      readonly payload: string;
      readonly salt: Buffer;
      readonly hash: Buffer;
    }
  | { readonly kind: 'erased'; readonly header: EventHeader; readonly digest: Buffer; readonly hash: Buffer };

/** One line of a run file, read. */
export type RunFileLine =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'seal'; readonly seal: Seal }
  | { readonly kind: 'content'; readonly content: Content }
  | {
      readonly kind: 'context';
      readonly tip: string;
      readonly parentId: string;
      readonly contentIds: readonly string[];
    }
  | { readonly kind: 'absent'; readonly what: 'content' | 'context'; readonly id: string }
  | EventLine
  | { readonly kind: 'end'; readonly closing: Closing };

const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The text of a line, without its line feed. */
export function lineToText(line: RunFileLine): string {
  return JSON.stringify(lineToValues(line));
}

function lineToValues(line: RunFileLine): unknown[] {
  switch (line.kind) {
    case 'manifest': {
      const { projectId, runId, rootRunId, writers, seals } = line.manifest;
      const extents = writers.map(({ writerId, last, events }) => [writerId, last, events]);
      return ['tachograph-run', runFileVersion, projectId, runId, rootRunId, extents, seals];
    }
    case 'seal':
      return sealToValues(line.seal);
    case 'content':
      return contentToValues(line.content);
    case 'context':
      return ['context', line.tip, line.parentId, line.contentIds];
    case 'absent':
      return ['absent', line.what, line.id];
    case 'event':
      return ['event', headerToText(line.header), line.payload.toWellFormed(), toHex(line.salt), toHex(line.hash)];
    case 'erased':
      return ['erased', headerToText(line.header), toHex(line.digest), toHex(line.hash)];
    case 'end':
      return ['end', line.closing.digest, line.closing.publicKey, line.closing.signature];
  }
}

function sealToValues(seal: Seal): unknown[] {
  const writers = seal.writers.map(({ writerId, count, head, erased }) => [writerId, count, head, erased]);
  const { projectId, runId, number, timeMs, previous, publicKey, signature } = seal;
  return ['seal', projectId, runId, number, writers, timeMs, previous, publicKey, signature];
}

function contentToValues({ id, salt, kind, bytes }: Content): unknown[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  return Buffer.from(text).equals(buffer)
    ? ['content', id, toHex(salt), kind, text]
    : ['bytes', id, toHex(salt), kind, buffer.toString('base64')];
}

/** Thrown while a line is read; the reader adds the place. */
export class ForeignLine extends Error {}

function refuse(what: string): never {
  throw new ForeignLine(what);
}

const digestPattern = /^[0-9a-f]{64}$/;
const writerPattern = /^[0-9a-f]{16}$/;
const saltPattern = /^[0-9a-f]{32}$/;
const signaturePattern = /^[0-9a-f]{128}$/;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function matching(value: unknown, pattern: RegExp, what: string): string {
  return typeof value === 'string' && pattern.test(value) ? value : refuse(`${what} is none`);
}

function text(value: unknown, what: string): string {
  // Half a character would be another text in the file than in the hash.
  return typeof value === 'string' && value.isWellFormed() ? value : refuse(`${what} is no text`);
}

const digest = (value: unknown, what: string): string => matching(value, digestPattern, what);

function uuid(value: unknown, what: string): string {
  return typeof value === 'string' && isUuid(value) ? value : refuse(`${what} is none`);
}

function count(value: unknown, what: string): number {
  return isCount(value) ? value : refuse(`${what} is no count`);
}

function list(value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(`${what} is no list`);
}

/** Reads a header back from the exact text that the chain hashed. Throws `ForeignLine` for any other text. */
function parseHeader(value: unknown): EventHeader {
  const whole = text(value, 'the header of the event');
  let fields: unknown;
  try {
    fields = JSON.parse(whole);
  } catch {
    refuse('the header of the event is no JSON');
  }
  if (!Array.isArray(fields) || fields.length !== 9) refuse('the header of the event has not its nine fields');
  const [, runId, writerId, n, type, timeMs, stepId, attempt, facts] = fields as unknown[];
  const header = { runId, writerId, n, type: type as EventType, timeMs, stepId, attempt, facts: null } as EventHeader;
  const isTyped = typeof runId === 'string' && typeof writerId === 'string' && typeof type === 'string';
  const isStepTyped = stepId === null || typeof stepId === 'string';
  const isFacts = facts === null || (typeof facts === 'object' && !Array.isArray(facts));
  if (!isTyped || !isStepTyped || !isFacts || !isHeaderInRange(header))
    refuse('the header of the event is none that was ever recorded');
  // Facts are hashed as they were written: cut out of the text, never written anew.
  const bare = headerToText(header);
  const exact = facts === null ? header : { ...header, facts: whole.slice(bare.length - 'null]'.length, -1) };
  return headerToText(exact) === whole ? exact : refuse('the header of the event is not in its exact form');
}

type Values = readonly unknown[];

function parseManifest([, , projectId, runId, rootRunId, writers, seals]: Values): RunFileLine {
  const extents = list(writers, 'the list of writers').map((each) => {
    const [writerId, last, events] = list(each, 'a writer');
    return {
      writerId: matching(writerId, writerPattern, 'a writer id'),
      last: count(last, 'a last n'),
      events: count(events, 'a number of events'),
    };
  });
  const manifest = {
    projectId: text(projectId, 'the project'),
    runId: uuid(runId, 'the run id'),
    rootRunId: uuid(rootRunId, 'the root run id'),
    writers: extents,
    seals: count(seals, 'the number of seals'),
  };
  return { kind: 'manifest', manifest };
}

function parseSealLine([
  ,
  projectId,
  runId,
  number,
  writers,
  timeMs,
  previous,
  publicKey,
  signature,
]: Values): RunFileLine {
  const heads = list(writers, 'the list of sealed writers').map((each) => {
    const [writerId, covered, head, erased] = list(each, 'a sealed writer');
    return {
      writerId: matching(writerId, writerPattern, 'a writer id'),
      count: count(covered, 'a sealed count'),
      head: digest(head, 'a sealed head'),
      erased: count(erased, 'an erased count'),
    };
  });
  const seal: Seal = {
    projectId: text(projectId, 'the project of the seal'),
    runId: uuid(runId, 'the run of the seal'),
    number: count(number, 'the number of the seal'),
    writers: heads,
    timeMs: count(timeMs, 'the time of the seal'),
    previous: digest(previous, 'the digest of the seal before'),
    publicKey: digest(publicKey, 'the key of the seal'),
    signature: matching(signature, signaturePattern, 'the signature of the seal'),
  };
  return { kind: 'seal', seal };
}

function parseContent([first, id, salt, kind, body]: Values): RunFileLine {
  const words = text(body, 'the content');
  const bytes = Buffer.from(words, first === 'bytes' ? 'base64' : 'utf8');
  const known = contentKinds.find((each) => each === kind) ?? refuse('the kind of the content is none');
  const content = {
    id: digest(id, 'the id of the content'),
    salt: Buffer.from(matching(salt, saltPattern, 'the salt of the content'), 'hex'),
    kind: known as ContentKind,
    bytes,
  };
  // Bytes that are UTF-8 are written as text, and base64 has one form.
  if (first === 'bytes' && contentToValues(content)[0] !== 'bytes') refuse('the content is not in its exact form');
  if (first === 'bytes' && bytes.toString('base64') !== words) refuse('the content is not in its exact form');
  return { kind: 'content', content };
}

function parseContext([, tip, parentId, contentIds]: Values): RunFileLine {
  const ids = list(contentIds, 'the list of contents').map((id) => digest(id, 'the id of a content'));
  if (ids.length === 0) refuse('the context adds nothing');
  return {
    kind: 'context',
    tip: digest(tip, 'the id of the context'),
    parentId: digest(parentId, 'the parent of the context'),
    contentIds: ids,
  };
}

function parseAbsent([, what, id]: Values): RunFileLine {
  if (what !== 'content' && what !== 'context') refuse('what is absent is neither content nor context');
  return { kind: 'absent', what: what as 'content', id: digest(id, 'the id of what is absent') };
}

function parseEvent([, header, payload, salt, hash]: Values): RunFileLine {
  return {
    kind: 'event',
    header: parseHeader(header),
    payload: text(payload, 'the payload of the event'),
    salt: Buffer.from(matching(salt, saltPattern, 'the salt of the event'), 'hex'),
    hash: Buffer.from(digest(hash, 'the hash of the event'), 'hex'),
  };
}

function parseErased([, header, kept, hash]: Values): RunFileLine {
  return {
    kind: 'erased',
    header: parseHeader(header),
    digest: Buffer.from(digest(kept, 'the digest of the event'), 'hex'),
    hash: Buffer.from(digest(hash, 'the hash of the event'), 'hex'),
  };
}

function parseEnd([, sum, publicKey, signature]: Values): RunFileLine {
  const closing = {
    digest: digest(sum, 'the digest of the file'),
    publicKey: digest(publicKey, 'the key of the file'),
    signature: matching(signature, signaturePattern, 'the signature of the file'),
  };
  return { kind: 'end', closing };
}

const parseByWord = new Map<unknown, readonly [fields: number, parse: (values: Values) => RunFileLine]>([
  ['tachograph-run', [7, parseManifest]],
  ['seal', [9, parseSealLine]],
  ['content', [5, parseContent]],
  ['bytes', [5, parseContent]],
  ['context', [4, parseContext]],
  ['absent', [3, parseAbsent]],
  ['event', [5, parseEvent]],
  ['erased', [4, parseErased]],
  ['end', [4, parseEnd]],
]);

/**
 * Reads one line, given without its line feed. Throws `ForeignLine` for everything that `lineToText` would not have
 * written: other white space, other escapes, other number text, another order, a field more or less.
 */
export function parseLine(bytes: Buffer): RunFileLine {
  const whole = bytes.toString('utf8');
  let values: unknown;
  try {
    values = JSON.parse(whole);
  } catch {
    refuse('it is no JSON');
  }
  if (!Array.isArray(values)) refuse('it is no JSON array');
  const [word, version] = values as Values;
  const [fields, parse] = parseByWord.get(word) ?? refuse('its first word is none of this format');
  if (word === 'tachograph-run' && version !== runFileVersion) {
    refuse(
      `it has format version ${JSON.stringify(version)}, and this program reads version ${runFileVersion}; update tachograph`,
    );
  }
  if ((values as Values).length !== fields) refuse(`it has not its ${fields} fields`);
  const line = parse(values as Values);
  // One text for each value, and one byte sequence for each text. Lists in lists may hide a field more.
  const isNested = line.kind === 'manifest' || line.kind === 'seal';
  const ours = isNested ? lineToText(line) : JSON.stringify(values);
  if (ours !== whole || !isSameText(whole, bytes)) refuse('it says the same in other bytes than ours');
  return line;
}

// Bytes that are no UTF-8 were decoded as U+FFFD; a text with none of those was decoded as it stands.
function isSameText(whole: string, bytes: Buffer): boolean {
  return !whole.includes('\ufffd') || Buffer.from(whole).equals(bytes);
}
