/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a span says of itself; its fields are filled in while it is under way. */
export interface SpanData {
  readonly type: string;
}

/** An error as a span carries it. */
export interface SpanError {
  readonly message: string;
  readonly data?: Fields;
}

/** A span of the Agents SDK, as far as it is read here. */
export interface VendorSpan {
  readonly spanId: string;
  readonly parentId: string | null;
  readonly traceId: string;
  readonly spanData: SpanData;
  readonly error: SpanError | null;
}

/** A trace of the Agents SDK, as far as it is read here. */
export interface VendorTrace {
  readonly traceId: string;
  readonly name: string;
  readonly groupId: string | null;
  readonly metadata?: Fields;
}

/** What the SDK tells of traces and spans to. */
export interface TracingProcessor {
  onTraceStart(trace: VendorTrace): Promise<void>;
  onTraceEnd(trace: VendorTrace): Promise<void>;
  onSpanStart(span: VendorSpan): Promise<void>;
  onSpanEnd(span: VendorSpan): Promise<void>;
  shutdown(timeout?: number): Promise<void>;
  forceFlush(): Promise<void>;
}

/** A call of a model, as far as it is read here. */
export interface ModelRequest {
  readonly systemInstructions?: string;
  readonly input: string | readonly unknown[];
  readonly modelSettings: object;
  readonly tools: readonly unknown[];
  readonly handoffs: readonly unknown[];
  readonly outputType: unknown;
  readonly previousResponseId?: string;
  readonly conversationId?: string;
  readonly prompt?: unknown;
  readonly tracing: boolean | 'enabled_without_data';
  readonly signal?: AbortSignal;
}

/** A whole answer of a model, as far as it is read here. */
export interface ModelResponse {
  readonly usage: unknown;
  readonly output: readonly unknown[];
  readonly responseId?: string;
  readonly providerData?: Fields;
  readonly rawUsage?: Fields;
}

/** A model of the Agents SDK, as far as it is called here. The SDK is never imported. */
export interface Model {
  getResponse(request: never): Promise<ModelResponse>;
  getStreamedResponse(request: never): AsyncIterable<unknown>;
}

/** What finds models by name. */
export interface ModelProvider {
  getModel(modelName?: string): Promise<Model> | Model;
}

/** What runs agents. */
export interface Runner {
  readonly config: object;
  run(agent: never, input: never, options?: never): Promise<unknown>;
}

/** What of the SDK's module is used: `import * as sdk from '@openai/agents'` has all of it. */
export interface AgentsSdk {
  readonly Runner?: { readonly prototype: object };
  setTraceProcessors(processors: TracingProcessor[]): void;
  setTracingDisabled(disabled: boolean): void;
  getCurrentSpan?(): { readonly spanId: string } | null;
  getCurrentTrace?(): VendorTrace | null;
}

/** An object that can be read by field, or `null`. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null;
}

/** The objects in a list; none for what is no list. */
export function toFieldsList(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(toFields).filter((each) => each !== null) : [];
}

/** A text that is not empty, or `null`. */
export function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A value where the text is a JSON object or list, else the text itself: numbers and bare words stay words. */
export function parseStructure(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Words that begin like JSON and are none.
    return text;
  }
}
