import { createChunkMeter } from '../../../core/model/chunk-timing.ts';
import type { ChunkTiming } from '../../../core/model/step.ts';
import type { Fields } from '../formats/fields.ts';
import { parseJson, toFields } from '../formats/fields.ts';
import type { Answer, StreamFold, WireFormat } from '../formats/format.ts';
import { recogniseResponse } from '../formats/recognise.ts';
import { createSseReader } from './sse.ts';

/** Reads an answer's bytes as they come and knows what the model said in them. */
export interface AnswerReader {
  chunk(bytes: Uint8Array): void;
  /** No more bytes will come. */
  end(): void;
  /** The provider said that its answer ends here. */
  readonly isTold: boolean;
  /** Monotonic time of the first word of a streamed answer, or `null`. */
  readonly firstOutputMs: number | null;
  /** Time between the events of a stream, or `null`. */
  timing(): ChunkTiming | null;
  /** What came so far; `null` when the form of the answer is not understood. */
  answer(): Answer | null;
}

/** An answer larger than this is recorded by its body alone. */
const foldedBytesMax = 16 * 1024 * 1024;

function createEventReader(given: WireFormat | null, nowMs: () => number): AnswerReader {
  const decoder = new TextDecoder();
  let fold: StreamFold | null = null;
  let isTold = false;
  let firstOutputMs: number | null = null;
  const meter = createChunkMeter();

  const onEvent = (data: string): void => {
    if (data === '[DONE]') {
      isTold = true;
      return;
    }
    const event = toFields(parseJson(data));
    if (event === null) return;
    fold ??= (given ?? recogniseResponse(event))?.foldStream() ?? null;
    fold?.push(event);
    if (fold?.hasOutput !== true) return;
    const now = nowMs();
    firstOutputMs ??= now;
    meter.tick(now);
  };
  const reader = createSseReader(onEvent);

  return {
    chunk: (bytes) => reader.push(decoder.decode(bytes, { stream: true })),
    end() {
      reader.push(decoder.decode());
      reader.end();
    },
    get isTold() {
      return isTold || fold?.isFinished === true;
    },
    get firstOutputMs() {
      return firstOutputMs;
    },
    timing: () => meter.timing(),
    answer: () => fold?.answer() ?? null,
  };
}

/** A list of events is how Google streams when it is not asked for server-sent events. */
function foldList(given: WireFormat | null, events: readonly Fields[]): Answer | null {
  const fold = (given ?? (events[0] === undefined ? null : recogniseResponse(events[0])))?.foldStream();
  for (const event of events) fold?.push(event);
  return fold?.answer() ?? null;
}

function createDocumentReader(given: WireFormat | null): AnswerReader {
  const chunks: Uint8Array[] = [];
  let bytes = 0;

  const answer = (): Answer | null => {
    if (bytes > foldedBytesMax) return null;
    const value = parseJson(Buffer.concat(chunks).toString('utf8'));
    if (Array.isArray(value))
      return foldList(
        given,
        value.map(toFields).filter((event) => event !== null),
      );
    const body = toFields(value);
    if (body === null) return null;
    return (given ?? recogniseResponse(body))?.foldResponse(body) ?? null;
  };

  return {
    chunk(piece) {
      bytes += piece.byteLength;
      if (bytes <= foldedBytesMax) chunks.push(Uint8Array.prototype.slice.call(piece));
      else chunks.length = 0;
    },
    end: () => undefined,
    isTold: false,
    firstOutputMs: null,
    timing: () => null,
    answer,
  };
}

const lastEvent =
  /^(?:data: ?\[DONE\]|event: ?(?:message_stop|response\.(?:completed|incomplete|failed)|interaction\.completed))/m;

/** Reads nothing but whether a stream's last event came: for exchanges whose meaning another capture records. */
function createEndReader(): AnswerReader {
  let isTold = false;
  return {
    chunk(bytes) {
      isTold ||= lastEvent.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
    },
    end: () => undefined,
    get isTold() {
      return isTold;
    },
    firstOutputMs: null,
    timing: () => null,
    answer: () => null,
  };
}

/** A reader for an answer of this kind. `format` is the request's, or `null` to tell it from the answer itself. */
export function createAnswerReader(of: {
  kind: 'event-stream' | 'json' | 'other';
  format: WireFormat | null;
  isRead: boolean;
  nowMs: () => number;
}): AnswerReader {
  if (!of.isRead) return createEndReader();
  return of.kind === 'event-stream' ? createEventReader(of.format, of.nowMs) : createDocumentReader(of.format);
}
