import { eventHash, payloadDigest, zeroHash } from '../record/chain.ts';
import type { RecordedEvent } from '../record/event.ts';
import { isErasedBySeal } from '../verify/chains.ts';
import { namedBy } from '../verify/contents.ts';
import type { Finding } from '../verify/verdict.ts';
import type { EventLine } from './line.ts';
import { ForeignLine } from './line-reading.ts';
import type { Pending, ReadState } from './state.ts';

const short = (id: string): string => `${id.slice(0, 16)}…`;

function refuse(what: string): never {
  throw new ForeignLine(what);
}

function toEvent(line: EventLine): RecordedEvent {
  const { header, hash } = line;
  if (line.kind === 'erased') return { header, payload: null, salt: null, digest: line.digest, hash };
  return { header, payload: line.payload, salt: line.salt, digest: payloadDigest(line.salt, line.payload), hash };
}

/** What stands before the event must be what it names and the file does not have yet, in the order it names it. */
function checkNeeds(state: ReadState, event: RecordedEvent): Finding | null {
  const { writerId, n } = event.header;
  const named = namedBy(event);
  const seen = new Set<string>();
  const depthByNode = new Map<string, number | null>();
  let at = 0;
  let finding: Finding | null = null;
  const missing = (what: string, id: string): void => {
    finding ??= {
      verdict: 'missing',
      writerId,
      n,
      message: `${what} ${short(id)} named by event ${n} is not in the record.`,
    };
  };
  const take = (kind: Pending['kind'], id: string): Pending => {
    const item = state.pending[at];
    if (item === undefined || item.kind !== kind || item.id !== id)
      refuse(
        `event ${n} of writer ${writerId} names ${kind} ${short(id)}, which does not stand where it belongs before it`,
      );
    at += 1;
    return item!;
  };
  const takeContent = (id: string): void => {
    if (state.contentIds.has(id) || seen.has(id)) return;
    seen.add(id);
    const item = take('content', id);
    if (item.kind === 'content' && item.content === null) missing('Content', id);
  };
  for (const id of named.contentIds) takeContent(id);
  for (const { nodeId, length } of named.contexts) {
    if (!state.depthByNode.has(nodeId) && !depthByNode.has(nodeId)) {
      const coming = state.pending.slice(at).find((item) => item.kind === 'context');
      for (const node of coming?.kind === 'context' ? (coming.nodes ?? []) : []) takeContent(node.contentId);
      const item = take('context', nodeId);
      if (item.kind === 'context' && item.nodes === null) missing('Context', nodeId);
      if (item.kind === 'context') for (const node of item.nodes ?? []) depthByNode.set(node.id, node.depth);
    }
    const depth = state.depthByNode.get(nodeId) ?? depthByNode.get(nodeId) ?? null;
    if (depth !== null && depth > 0 && length !== null && depth !== length)
      finding ??= {
        verdict: 'edited',
        writerId,
        n,
        message: `Context ${short(nodeId)} named by event ${n} is not what was recorded.`,
      };
  }
  if (at < state.pending.length)
    refuse(
      `${state.pending[at]!.kind} ${short(state.pending[at]!.id)} is not named by event ${n} of writer ${writerId}, which follows it`,
    );
  return finding;
}

function checkHole(event: RecordedEvent, before: number): Finding | null {
  const { writerId, n } = event.header;
  if (n === before + 1) return null;
  const range = n === before + 2 ? `${before + 1}` : `${before + 1}..${n - 1}`;
  return { verdict: 'missing', writerId, n: before + 1, message: `Event ${range} of writer ${writerId} is missing.` };
}

function checkChain(state: ReadState, event: RecordedEvent, previous: Uint8Array | null): Finding | null {
  const { writerId, n } = event.header;
  const edited = (message: string): Finding => ({ verdict: 'edited', writerId, n, message });
  if (event.payload === null && !isErasedBySeal(state.erasedByWriter, writerId, n))
    return edited(`Event ${n} of writer ${writerId} lost its words, and no seal tells of an erasure.`);
  if (previous !== null && Buffer.compare(eventHash(previous, event.header, event.digest), event.hash) !== 0)
    return edited(`Event ${n} of writer ${writerId} does not follow from the one before it.`);
  const head = Buffer.from(event.hash).toString('hex');
  for (const sealed of state.headsByPlace.get(`${writerId}/${n}`) ?? []) {
    if (sealed.head !== head)
      return edited(
        `The chain of writer ${writerId} was rewritten at or before event ${n}: seal ${sealed.number} knows another head.`,
      );
  }
  return null;
}

/** Judges an event's line: its place, what stands before it, and its link to the event before. */
export function judgeEvent(state: ReadState, line: EventLine): { event: RecordedEvent; finding: Finding | null } {
  const { runId, writerId, n } = line.header;
  const manifest = state.manifest!;
  if (runId !== manifest.runId) refuse(`event ${n} belongs to run ${runId}, and the file to run ${manifest.runId}`);
  const extent = manifest.writers.find((writer) => writer.writerId === writerId);
  if (extent === undefined) refuse(`event ${n} is of writer ${writerId}, which the first line does not name`);
  const read = state.readByWriter.get(writerId) ?? { n: 0, events: 0, hash: zeroHash };
  if (n <= read.n) refuse(`event ${n} of writer ${writerId} stands behind event ${read.n} of it`);
  if (n > extent!.last)
    refuse(`event ${n} of writer ${writerId} is past ${extent!.last}, the last one by the first line`);
  const event = toEvent(line);
  const needs = checkNeeds(state, event);
  const hole = checkHole(event, read.n);
  // What followed a hole cannot be linked to what was before it.
  return { event, finding: hole ?? checkChain(state, event, hole === null ? read.hash : null) ?? needs };
}
