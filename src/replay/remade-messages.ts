import { toPieces } from './recorded-answer.ts';
import type { Block, CutStream, Fields, StreamEvent } from './remade-stream.ts';
import {
  argumentsOf,
  cutToEvents,
  detailOf,
  findRest,
  firstWith,
  isSayable,
  namedEvent,
  toFields,
} from './remade-stream.ts';

/*
 * A stream of Anthropic messages is a row of numbered blocks, each with its start, pieces and stop:
 *
 *   message_start ─► (content_block_start ─► content_block_delta … ─► content_block_stop) … ─► message_delta ─► message_stop
 */

const kindByType: Readonly<Record<string, Block['kind']>> = {
  text: 'text',
  thinking: 'reasoning',
  tool_use: 'tool-call',
};

/** Blocks as far as they came, in their order. */
function eventsToBlocks(events: readonly StreamEvent[]): readonly Block[] {
  const blockByIndex = new Map<unknown, Block>();
  for (const { data } of events) {
    const open = blockByIndex.get(data['index']);
    if (data['type'] === 'content_block_start') {
      const { type, id, text, thinking } = toFields(data['content_block']);
      blockByIndex.set(data['index'], {
        kind: kindByType[String(type)] ?? 'other',
        text: String(text ?? thinking ?? ''),
        id: typeof id === 'string' ? id : null,
        isDone: false,
      });
    } else if (open !== undefined && data['type'] === 'content_block_delta') {
      const { text, thinking } = toFields(data['delta']);
      open.text += String(text ?? thinking ?? '');
    } else if (open !== undefined && data['type'] === 'content_block_stop') open.isDone = true;
  }
  return [...blockByIndex.values()];
}

/** The start of a part's block, and its pieces. */
function partToPieces(
  part: Fields,
  sentBack: readonly Fields[],
): { readonly block: Fields; readonly deltas: readonly Fields[] } {
  if (part['type'] === 'tool-call') {
    const { toolCallId: id, toolName: name } = part;
    const partial_json = argumentsOf(part);
    return { block: { type: 'tool_use', id, name, input: {} }, deltas: [{ type: 'input_json_delta', partial_json }] };
  }
  const pieces = toPieces(String(part['text'] ?? ''));
  if (part['type'] === 'text')
    return { block: { type: 'text', text: '' }, deltas: pieces.map((text) => ({ type: 'text_delta', text })) };
  const data = detailOf(part, 'redactedData');
  if (data !== undefined) return { block: { type: 'redacted_thinking', data }, deltas: [] };
  const sent = sentBack.find(({ type, thinking }) => type === 'thinking' && thinking === part['text']);
  const signature = detailOf(part, 'signature') ?? sent?.['signature'];
  return {
    block: { type: 'thinking', thinking: '', signature: '' },
    deltas: [
      ...pieces.map((thinking) => ({ type: 'thinking_delta', thinking })),
      ...(signature === undefined ? [] : [{ type: 'signature_delta', signature }]),
    ],
  };
}

function* partToEvents(part: Fields, index: number, sentBack: readonly Fields[]): Generator<Fields> {
  const { block, deltas } = partToPieces(part, sentBack);
  yield { type: 'content_block_start', index, content_block: block };
  for (const delta of deltas) yield { type: 'content_block_delta', index, delta };
  yield { type: 'content_block_stop', index };
}

/**
 * A stream of Anthropic messages that amounts to the recorded answer: what was kept whole as it came, the rest anew.
 * `null` for other streams, and where the rest cannot be told or said.
 */
export function remakeMessages({ cut, step, content, sentBack }: CutStream): string | null {
  const events = cutToEvents(cut);
  const usage = step.usageRaw;
  if (firstWith(events, 'type')?.['type'] !== 'message_start' || typeof usage !== 'object' || usage === null)
    return null;
  const blocks = eventsToBlocks(events);
  const from = findRest(content, blocks);
  if (from === null || !isSayable(step, content.slice(from))) return null;
  const stop = events.findLastIndex(({ data }) => data['type'] === 'content_block_stop');
  const start = events.findIndex(({ data }) => data['type'] === 'content_block_start');
  const kept = events.slice(0, stop === -1 ? Math.max(start, 1) : stop + 1);
  const done = blocks.filter(({ isDone }) => isDone).length;
  const stop_reason = step.finishReason?.raw ?? 'end_turn';
  const rest: Fields[] = [
    ...content.slice(from).flatMap((part, at) => [...partToEvents(part, done + at, sentBack)]),
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  return [...kept.map(({ raw }) => raw), ...rest.map(namedEvent)].join('');
}
