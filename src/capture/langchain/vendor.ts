/*
 * What this capture reads of LangChain's objects. They are LangChain's in shape only: it is never imported, so that any
 * version of it, loaded any way, is understood. A test holds these shapes against the real types.
 */

/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** A component as LangChain describes it to callbacks: its class is the last of `id`. */
export interface VendorSerialized {
  readonly id: readonly string[];
}

/** A message of a conversation, or a chunk of one. */
export interface VendorMessage {
  readonly content: unknown;
  readonly type: string;
  readonly name?: string;
  readonly id?: string;
  readonly additional_kwargs?: Fields;
  readonly response_metadata?: Fields;
}

/** The usage of an answer. */
export interface VendorUsage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly input_token_details?: { readonly cache_read?: number; readonly cache_creation?: number };
  readonly output_token_details?: { readonly reasoning?: number };
}

/** What a model call ended with. */
export interface VendorResult {
  readonly generations: readonly (readonly VendorGeneration[])[];
  readonly llmOutput?: Readonly<Record<string, unknown>>;
}

/** One answer of a model call; chat models bring a `message`. */
export interface VendorGeneration {
  readonly text: string;
  readonly generationInfo?: Readonly<Record<string, unknown>>;
}

/** An event of a chat model's stream of content blocks. */
export interface VendorStreamEvent {
  readonly event: string;
}

/** An object that can be read by field, or `null`. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null;
}

/** A string that is not empty, or `undefined`. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** True for a message object of LangChain, whichever copy of it made it. */
export function isMessage(value: unknown): value is VendorMessage {
  const fields = toFields(value);
  if (fields === null || !('content' in fields)) return false;
  return typeof fields['_getType'] === 'function' || typeof fields['getType'] === 'function';
}
