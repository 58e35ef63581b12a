import type { ContentKind } from '../content/content.ts';
import { contentKinds } from '../content/content.ts';
import { isUuid } from '../id.ts';
import { isHeaderInRange } from '../import/header-reading.ts';
import type { EventHeader, EventType } from '../record/event.ts';
import { headerToText } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import type { RunFileLine } from './line.ts';
import { isText, lineToText, runFileVersion } from './line.ts';

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

function parseRanges(value: unknown): readonly (readonly [number, number])[] {
  return list(value, 'the list of spared events').map((each) => {
    const [from, to] = list(each, 'a range of spared events');
    return [count(from, 'the first of a range'), count(to, 'the last of a range')] as const;
  });
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
    const [writerId, covered, head, erased, spared] = list(each, 'a sealed writer');
    return {
      writerId: matching(writerId, writerPattern, 'a writer id'),
      count: count(covered, 'a sealed count'),
      head: digest(head, 'a sealed head'),
      erased: count(erased, 'an erased count'),
      ...(spared === undefined ? {} : { spared: parseRanges(spared) }),
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
  if (first === 'bytes' && isText(bytes)) refuse('the content is not in its exact form');
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
