import { epochOf } from '../content/context.ts';
import { uuidToMs } from '../id.ts';
import type { JournalEntry } from '../journal.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import { erasedBySeals } from '../verify/seals.ts';
import type { Judgement } from './judge.ts';
import type { Pending, ReadState } from './state.ts';
import { countEvent } from './tally.ts';

function takeSeal(state: ReadState, seal: Seal): void {
  state.seals.push(seal);
  for (const { writerId, count, head } of seal.writers) {
    const place = `${writerId}/${count}`;
    state.headsByPlace.set(place, [...(state.headsByPlace.get(place) ?? []), { number: seal.number, head }]);
    state.coveredByWriter.set(writerId, Math.max(count, state.coveredByWriter.get(writerId) ?? 0));
  }
  state.erasedByWriter = erasedBySeals(state.seals, null);
}

function takePending(state: ReadState, item: Pending): void {
  state.pending.push(item);
  if (item.kind === 'content') {
    state.pendingContentIds.add(item.id);
    state.pendingBytes += item.content?.bytes.length ?? 0;
  } else if (item.nodes === null) state.pendingDepthByNode.set(item.id, 0);
  else for (const node of item.nodes) state.pendingDepthByNode.set(node.id, node.depth);
}

function keepPending(state: ReadState): readonly Pending[] {
  const { pending } = state;
  for (const id of state.pendingContentIds) state.contentIds.add(id);
  for (const [id, depth] of state.pendingDepthByNode) state.depthByNode.set(id, depth);
  state.pendingContentIds.clear();
  state.pendingBytes = 0;
  state.pendingDepthByNode.clear();
  state.pending = [];
  return pending;
}

function takeEvent(state: ReadState, event: RecordedEvent): JournalEntry {
  const { writerId, n } = event.header;
  const events = (state.readByWriter.get(writerId)?.events ?? 0) + 1;
  state.readByWriter.set(writerId, { n, events, hash: event.hash });
  state.last = { writerId, n };
  state.events += 1;
  state.erased += event.payload === null ? 1 : 0;
  state.unsealed += n > (state.coveredByWriter.get(writerId) ?? 0) ? 1 : 0;
  countEvent(state.tally, event);
  const pending = keepPending(state);
  return {
    epoch: epochOf(uuidToMs(state.manifest!.rootRunId)),
    contents: pending.flatMap((item) => (item.kind === 'content' && item.content !== null ? [item.content] : [])),
    nodes: pending.flatMap((item) => (item.kind === 'context' ? (item.nodes ?? []) : [])),
    event,
  };
}

/** Takes a judged line into the state. An event comes back with the contents and nodes that it brought. */
export function takeLine(state: ReadState, { line, finding, pending, event }: Judgement): JournalEntry | null {
  state.finding ??= finding;
  if (finding !== null && finding.verdict !== 'missing') state.change ??= finding;
  if (line.kind === 'manifest') state.manifest = line.manifest;
  if (line.kind === 'seal') takeSeal(state, line.seal);
  if (line.kind === 'end') state.closing = line.closing;
  if (pending !== null) takePending(state, pending);
  return event === null ? null : takeEvent(state, event);
}
