import type { StepFinish } from '../../core/record/recording.ts';
import { responseToFinish } from './response.ts';
import type { Fields, ModelResponse } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

interface Piece {
  readonly type: 'text' | 'reasoning' | 'tool-call';
  readonly about: Fields;
  text: string;
}

/** Takes the events of a streamed answer and knows at any time what they amount to. */
export interface StreamFold {
  push(event: unknown): void;
  /** Words, reasoning or a tool call have come. */
  readonly hasOutput: boolean;
  /** The whole answer, once it is there. */
  readonly response: ModelResponse | null;
  /** How the step ends with what has come so far. */
  finish(end: Pick<StepFinish, 'status' | 'error'>, isWithheld: boolean): StepFinish;
}

const pieceByEvent: Readonly<Record<string, Piece['type']>> = {
  'response.reasoning_summary_text.delta': 'reasoning',
  'response.reasoning_text.delta': 'reasoning',
  'response.function_call_arguments.delta': 'tool-call',
};

function toPart({ type, about, text }: Piece): unknown {
  if (type !== 'tool-call') return { type, text };
  return { type, toolCallId: about['call_id'] ?? null, toolName: about['name'] ?? '', input: text, incomplete: true };
}

const nothing: Fields = {};

/** An empty fold. Never throws on what it does not know. */
export function createStreamFold(): StreamFold {
  const pieces: Piece[] = [];
  const callByItem = new Map<unknown, Fields>();
  let response: ModelResponse | null = null;
  let usage: Fields | undefined;
  let textDeltas = 0;

  const add = (type: Piece['type'], words: unknown, item: unknown): void => {
    const text = toText(words);
    if (text === null) return;
    const about = callByItem.get(item) ?? nothing;
    const last = pieces.findLast((piece) => piece.type === type && piece.about === about);
    const isSame = last !== undefined && (type === 'tool-call' || last === pieces.at(-1));
    if (isSame) last.text += text;
    else pieces.push({ type, about, text });
  };

  /** Events of the provider itself, which the SDK hands on as they are. */
  const pushRaw = (event: Fields): void => {
    const type = String(event['type']);
    const item = toFields(event['item']);
    if (type === 'response.output_item.added' && item?.['type'] === 'function_call') callByItem.set(item['id'], item);
    const piece = pieceByEvent[type];
    if (piece !== undefined) add(piece, event['delta'], event['item_id']);
    if (type === 'response.completed' || type === 'response.incomplete')
      usage = toFields(toFields(event['response'])?.['usage']) ?? usage;
  };

  return {
    get hasOutput() {
      return pieces.length > 0;
    },
    get response() {
      return response;
    },
    push(value) {
      const event = toFields(value);
      if (event?.['type'] === 'output_text_delta') {
        textDeltas += 1;
        add('text', event['delta'], undefined);
      } else if (event?.['type'] === 'model') pushRaw(toFields(event['event']) ?? {});
      else if (event?.['type'] === 'response_done') {
        const done = toFields(event['response']) ?? {};
        response = {
          output: [],
          usage: undefined,
          ...done,
          responseId: toText(done['id']) ?? undefined,
        } as ModelResponse;
      }
    },
    finish(end, isWithheld) {
      const parts = pieces.map(toPart);
      const whole =
        response === null
          ? null
          : responseToFinish(usage === undefined ? response : { ...response, rawUsage: usage }, isWithheld);
      const output = isWithheld ? { outputsWithheld: true } : parts.length === 0 ? {} : { response: parts };
      const stream = {
        finishReason: whole?.finishReason?.unified ?? null,
        textDeltas,
        toolCalls: pieces.filter((piece) => piece.type === 'tool-call').length,
        sources: 0,
        warnings: 0,
        errors: end.error === undefined ? 0 : 1,
        parts: pieces.length,
        lastError: end.error instanceof Error ? end.error.message : null,
        chunkTiming: null,
      };
      return { ...(whole ?? { ...output, usage: null }), ...end, stream };
    },
  };
}
