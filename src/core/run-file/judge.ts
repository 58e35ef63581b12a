import type { ContextNode } from '../content/context.ts';
import { nodeIdOf, rootNodeId } from '../content/context.ts';
import { isContentIntact } from '../content/content.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import { isSealSigned } from '../verify/seals.ts';
import type { Finding } from '../verify/verdict.ts';
import { judgeEvent } from './judge-event.ts';
import type { RunFileLine } from './line.ts';
import { ForeignLine, parseLine } from './line-reading.ts';
import { isClosingSigned, keyToFingerprint } from './signature.ts';
import type { Pending, ReadState } from './state.ts';
import { nextPlace } from './state.ts';

/** A line that is ours, with what is to be said against the record it tells of. */
export interface Judgement {
  readonly line: RunFileLine;
  readonly finding: Finding | null;
  /** The line's part in what belongs to the next event. */
  readonly pending: Pending | null;
  /** The line's event, whole. */
  readonly event: RecordedEvent | null;
}

/** Contents of one event at most, as in a journal: what comes before an event is held in memory. */
const pendingBytesMax = 256 * 1024 * 1024;

const short = (id: string): string => `${id.slice(0, 16)}…`;

function refuse(what: string): never {
  throw new ForeignLine(what);
}

function badSeal(message: string): Finding {
  return { verdict: 'bad-signature', writerId: null, n: null, message };
}

function findInSeal(state: ReadState, seal: Seal): Finding | null {
  if (seal.runId !== state.manifest!.runId)
    return badSeal(`Seal ${seal.number} is that of run ${seal.runId}, not of this one.`);
  if (!isSealSigned(seal)) return badSeal(`The signature of seal ${seal.number} does not belong to its text.`);
  for (const { writerId, count } of seal.writers) {
    const last = state.manifest!.writers.find((writer) => writer.writerId === writerId)?.last ?? 0;
    if (last >= count) continue;
    const message = `Seal ${seal.number} covers ${count} events of writer ${writerId}; only ${last} are here.`;
    return { verdict: 'truncated', writerId, n: last + 1, message };
  }
  return null;
}

function judgeSeal(state: ReadState, seal: Seal): Finding | null {
  if (state.last !== null || state.pending.length > 0) refuse('a seal stands behind the first event');
  if (state.seals.length === state.manifest!.seals)
    refuse(`it is a seal more than the ${state.manifest!.seals} of the first line`);
  const before = state.seals.findLast(({ publicKey }) => publicKey === seal.publicKey);
  if (before !== undefined && before.number >= seal.number)
    refuse(`seal ${seal.number} stands behind seal ${before.number}`);
  return findInSeal(state, seal);
}

function judgeManifest(state: ReadState, line: RunFileLine & { kind: 'manifest' }): void {
  if (state.manifest !== null) refuse('it is a second first line');
  const ids = line.manifest.writers.map(({ writerId }) => writerId);
  if (new Set(ids).size !== ids.length) refuse('it names a writer twice');
  if (line.manifest.writers.some(({ last, events }) => events < 1 || events > last)) refuse('its counts do not add up');
}

function isHere(state: ReadState, id: string): boolean {
  return state.contentIds.has(id) || state.pendingContentIds.has(id);
}

function depthOf(state: ReadState, nodeId: string): number | null {
  if (nodeId === rootNodeId) return 0;
  return state.depthByNode.get(nodeId) ?? state.pendingDepthByNode.get(nodeId) ?? null;
}

function judgeContext(state: ReadState, line: RunFileLine & { kind: 'context' }): Pending {
  const start = depthOf(state, line.parentId);
  if (start === null) refuse(`context ${short(line.tip)} continues one that is not in the file before it`);
  const nodes: ContextNode[] = [];
  let parentId = line.parentId;
  for (const contentId of line.contentIds) {
    const id = nodeIdOf(parentId, contentId);
    if (!isHere(state, contentId))
      refuse(`content ${short(contentId)} of context ${short(line.tip)} is not in the file before it`);
    if (depthOf(state, id) !== null)
      refuse(`context ${short(line.tip)} is told again, though it is in the file before`);
    nodes.push({ id, parentId, contentId, depth: start! + nodes.length + 1 });
    parentId = id;
  }
  if (parentId !== line.tip) refuse(`the contents of context ${short(line.tip)} do not lead to it`);
  return { kind: 'context', id: line.tip, nodes };
}

function judgeContent(
  state: ReadState,
  line: RunFileLine & { kind: 'content' },
): Pick<Judgement, 'pending' | 'finding'> {
  const { content } = line;
  if (isHere(state, content.id)) refuse(`content ${short(content.id)} is there twice`);
  if (state.pendingBytes + content.bytes.length > pendingBytesMax)
    refuse(`more than ${pendingBytesMax} bytes of contents stand before one event`);
  const place = nextPlace(state);
  const message = `Content ${short(content.id)} named by event ${place?.n} of writer ${place?.writerId} is not what was recorded.`;
  const finding: Finding | null = isContentIntact(content)
    ? null
    : { verdict: 'edited', writerId: place?.writerId ?? null, n: place?.n ?? null, message };
  return { pending: { kind: 'content', id: content.id, content }, finding };
}

function judgeAbsent(state: ReadState, { what, id }: RunFileLine & { kind: 'absent' }): Pending {
  if (what === 'content' && isHere(state, id)) refuse(`content ${short(id)} is called absent, and it is there`);
  if (what === 'context' && depthOf(state, id) !== null)
    refuse(`context ${short(id)} is called absent, and it is there`);
  return what === 'content' ? { kind: 'content', id, content: null } : { kind: 'context', id, nodes: null };
}

function judgeEnd(state: ReadState, line: RunFileLine & { kind: 'end' }, digest: string): Finding | null {
  if (state.pending.length > 0) refuse('a content that no event names stands before it');
  for (const { writerId, last, events } of state.manifest!.writers) {
    const read = state.readByWriter.get(writerId);
    if (read?.n !== last || read.events !== events)
      refuse(
        `the first line promises ${events} events of writer ${writerId} up to ${last}; ${read?.events ?? 0} are here, up to ${read?.n ?? 0}`,
      );
  }
  if (line.closing.digest !== digest) refuse('the digest of the file is another one');
  if (!isClosingSigned(line.closing)) refuse('the signature of the file does not belong to its digest');
  const { publicKey } = line.closing;
  if (state.seals.length === 0 || state.seals.some((seal) => seal.publicKey === publicKey)) return null;
  return badSeal(`The file is signed by key ${keyToFingerprint(publicKey)}, which sealed nothing in it.`);
}

/**
 * Judges the next line without changing the state. `digest` is that of all bytes before it. Throws `ForeignLine` when the
 * line is not in our bytes or not in its place; what is wrong with the record it tells of comes back as a finding.
 */
export function judgeLine(state: ReadState, bytes: Buffer, digest: () => string): Judgement {
  if (state.closing !== null) refuse('there are bytes behind the last line');
  const line = parseLine(bytes);
  const plain: Judgement = { line, finding: null, pending: null, event: null };
  if (line.kind === 'manifest') {
    judgeManifest(state, line);
    return plain;
  }
  if (state.manifest === null) refuse('a run file does not begin so');
  if (line.kind === 'seal') return { ...plain, finding: judgeSeal(state, line.seal) };
  if (state.seals.length < state.manifest!.seals)
    refuse(`the first line promises ${state.manifest!.seals} seals, and ${state.seals.length} are here`);
  if (line.kind === 'content') return { ...plain, ...judgeContent(state, line) };
  if (line.kind === 'context') return { ...plain, pending: judgeContext(state, line) };
  if (line.kind === 'absent') return { ...plain, pending: judgeAbsent(state, line) };
  if (line.kind === 'end') return { ...plain, finding: judgeEnd(state, line, digest()) };
  return { ...plain, ...judgeEvent(state, line) };
}
