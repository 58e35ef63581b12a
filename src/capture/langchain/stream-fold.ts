import type { StreamSummary } from '../../core/model/step.ts';
import type { PartialText } from '../../core/record/recording.ts';
import { messageToParts } from './map/message.ts';
import type { Fields } from './vendor.ts';
import { isMessage, toFields, toText } from './vendor.ts';

/** What a stream has said so far: kept in memory until the step ends. */
export interface StreamFold {
  readonly isBegun: boolean;
  readonly firstMs: number | null;
  readonly lastMs: number;
  token(token: string, chunk: unknown, nowMs: number): void;
  event(event: unknown, nowMs: number): void;
  /** The answer so far in typed parts; parts of one kind in a row are one. */
  parts(): readonly Fields[];
  texts(): readonly PartialText[];
  summary(finishReason: string | null, lastError: string | null): StreamSummary;
}

interface Piece {
  readonly type: 'text' | 'reasoning' | 'tool-call';
  readonly key: string;
  text: string;
  id: unknown;
  name: string;
}

/** Input of a tool that has come only in part is kept as the text that it is. */
function pieceToPart(piece: Piece): Fields {
  if (piece.type !== 'tool-call') return { type: piece.type, text: piece.text };
  return { type: 'tool-call', toolCallId: piece.id, toolName: piece.name, input: piece.text };
}

/** A fold of one model call's stream. */
export function createStreamFold(): StreamFold {
  const pieces: Piece[] = [];
  let textDeltas = 0;
  let count = 0;

  const add = (type: Piece['type'], text: string, key = type as string): Piece => {
    const last = type === 'tool-call' ? pieces.find((piece) => piece.key === key) : pieces.at(-1);
    const piece = last?.key === key ? last : { type, key, text: '', id: null, name: '' };
    if (piece !== last) pieces.push(piece);
    piece.text += text;
    if (type === 'text' && text !== '') textDeltas += 1;
    return piece;
  };

  const addCall = (call: Fields, position: unknown): void => {
    const key = `tool-call:${String(call['index'] ?? call['id'] ?? position)}`;
    const piece = add('tool-call', toText(call['args']) ?? '', key);
    piece.id ??= call['id'] ?? null;
    piece.name += toText(call['name']) ?? '';
  };

  const seen = (nowMs: number): void => {
    count += 1;
    fold.lastMs = nowMs;
    fold.firstMs ??= nowMs;
  };

  const addChunk = (message: Fields): void => {
    const calls = Array.isArray(message['tool_call_chunks']) ? (message['tool_call_chunks'] as unknown[]) : [];
    if (isMessage(message))
      for (const part of messageToParts(message)) {
        if (part['type'] === 'text') add('text', toText(part['text']) ?? '');
        else if (part['type'] === 'reasoning') add('reasoning', toText(part['text']) ?? '');
      }
    calls.forEach((call, position) => addCall(toFields(call) ?? {}, position));
  };

  const addDelta = (delta: Fields, index: unknown): void => {
    if (delta['type'] === 'text-delta') add('text', toText(delta['text']) ?? '');
    else if (delta['type'] === 'reasoning-delta') add('reasoning', toText(delta['reasoning']) ?? '');
    else if (delta['type'] === 'tool-call-delta') addCall({ index, args: delta['args'] }, index);
    else if (toFields(delta['fields'])?.['type'] === 'tool_call_chunk') {
      const { args } = toFields(delta['fields'])!;
      const piece = add('tool-call', '', `tool-call:${String(index)}`);
      if (typeof args === 'string') piece.text = args;
    }
  };

  const fold: { -readonly [K in keyof StreamFold]: StreamFold[K] } = {
    isBegun: false,
    firstMs: null,
    lastMs: 0,
    token(token, chunk, nowMs) {
      fold.isBegun = true;
      seen(nowMs);
      const message = toFields(toFields(chunk)?.['message']);
      if (message !== null) addChunk(message);
      else if (token !== '') add('text', token);
    },
    event(event, nowMs) {
      const fields = toFields(event) ?? {};
      fold.isBegun = true;
      seen(nowMs);
      const content = toFields(fields['content']);
      if (fields['event'] === 'content-block-start' && content !== null) {
        const { type } = content;
        if (type === 'tool_call_chunk' || type === 'tool_call')
          addCall({ ...content, index: fields['index'], args: toText(content['args']) ?? '' }, 0);
      }
      const delta = toFields(fields['delta']);
      if (fields['event'] === 'content-block-delta' && delta !== null) addDelta(delta, fields['index']);
    },
    parts: () => pieces.filter((piece) => piece.text !== '' || piece.type === 'tool-call').map(pieceToPart),
    texts: () => pieces.map(({ type, text }, index) => ({ index, type, text })),
    summary: (finishReason, lastError) => ({
      finishReason,
      textDeltas,
      toolCalls: pieces.filter(({ type }) => type === 'tool-call').length,
      sources: 0,
      warnings: 0,
      errors: lastError === null ? 0 : 1,
      parts: count,
      lastError,
      chunkTiming: null,
    }),
  };
  return fold;
}
