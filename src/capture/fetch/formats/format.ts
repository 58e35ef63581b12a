import type { Cost } from '../../../core/model/cost.ts';
import type { ContextMark, FinishReason } from '../../../core/model/step.ts';
import type { Usage } from '../../../core/model/usage.ts';
import type { Fields } from './fields.ts';

/** A model request in the recorder's own words. Fields that the format does not have are `null`. */
export interface ParsedRequest {
  /** One of the model operations. */
  readonly operation: string;
  readonly model: string | null;
  /** System prompt first; each message is its own exact text. */
  readonly messages: readonly unknown[] | null;
  readonly marks: readonly ContextMark[];
  readonly tools: readonly unknown[] | null;
  readonly options: Readonly<Record<string, unknown>>;
  /** A request that is no list of messages, or what belongs to no message: a response schema. */
  readonly request: unknown;
  /** The provider's id of the answer that this call goes on from. */
  readonly continues: string | null;
}

/** What a model answered, whole or as far as it came. */
export interface Answer {
  readonly parts: readonly unknown[];
  readonly model: string | null;
  readonly responseId: string | null;
  readonly usage: Usage | null;
  readonly usageRaw: unknown;
  readonly cost: Cost | null;
  readonly finishReason: FinishReason | null;
  /** The provider said that this is the end of the answer. */
  readonly isFinished: boolean;
  /** The first error inside the answer, or `null`. */
  readonly error: Error | null;
  readonly textDeltas: number;
}

/** Takes a stream's events and knows at any time what they amount to. Never throws on what it does not know. */
export interface StreamFold {
  push(event: Fields): void;
  /** Something of the answer itself has come: text, reasoning or a tool call. */
  readonly hasOutput: boolean;
  readonly isFinished: boolean;
  answer(): Answer;
}

/** A model provider's form of request and answer. Pure; never throws on malformed input. */
export interface WireFormat {
  readonly name: string;
  /** True when a request to this path with these top-level keys is of this form. */
  isRequest(path: string, keys: ReadonlySet<string>): boolean;
  /** True when this is an answer, or one event of one, of this form. */
  isResponse(body: Fields): boolean;
  /** `null` when the text is no JSON object. */
  parseRequest(text: string, path: string): ParsedRequest | null;
  foldResponse(body: Fields): Answer;
  foldStream(): StreamFold;
}

/** An error that stands inside an answer. */
export function toAnswerError(value: unknown): Error {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const message =
    typeof value === 'string'
      ? value
      : typeof fields['message'] === 'string'
        ? fields['message']
        : 'the provider reported an error';
  const error = new Error(message);
  const name = fields['type'] ?? fields['status'];
  error.name = typeof name === 'string' && name !== 'error' ? name : 'ProviderError';
  const code = fields['code'];
  return typeof code === 'string' || typeof code === 'number' ? Object.assign(error, { code: String(code) }) : error;
}

/** Folds a whole answer by giving it to a fold as one event. */
export function foldOnce(fold: StreamFold, body: Fields): Answer {
  fold.push(body);
  return fold.answer();
}
