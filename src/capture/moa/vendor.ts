/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** A part of a message, of an answer or of a stream. */
export interface Part {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A message as the AI SDK hands it to a model: words for `system`, parts for every other role. */
export interface Message {
  readonly role: string;
  readonly content: string | readonly Part[];
  readonly providerOptions?: unknown;
}

/** What a model is called with, as far as it is read or set here; all else is handed on as it is. */
export interface CallOptions {
  readonly prompt: readonly Message[];
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly reasoning?: string;
  readonly abortSignal?: AbortSignal;
  readonly tools?: readonly unknown[];
  readonly toolChoice?: unknown;
  readonly providerOptions?: unknown;
  readonly [key: string]: unknown;
}

/** A whole answer. */
export interface GenerateResult {
  readonly content: readonly Part[];
  readonly finishReason?: unknown;
  readonly usage?: unknown;
  readonly providerMetadata?: Fields;
  readonly [key: string]: unknown;
}

/** An answer that comes in parts. */
export interface StreamResult {
  readonly stream: ReadableStream<Part>;
  readonly [key: string]: unknown;
}

/** A language model of the AI SDK, version 7 (`LanguageModelV4`), as it is called here. The SDK is never imported. */
export interface Model {
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls?: unknown;
  doGenerate(options: CallOptions): PromiseLike<GenerateResult>;
  doStream(options: CallOptions): PromiseLike<StreamResult>;
}

/** An object that can be read by field, or `null`. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null;
}

/** A text that is not empty, or `null`. */
export function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The parts of a message, whatever its role. */
export function partsOf({ content }: Message): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as readonly Part[]) : [];
}

/** The words of an answer's text parts, joined. */
export function textOfParts(parts: readonly Part[]): string {
  return parts
    .filter(({ type }) => type === 'text')
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}
