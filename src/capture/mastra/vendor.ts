/*
 * What this capture needs of Mastra, in its own words: no types of its packages are in the published declarations, and
 * nothing of them is loaded. `vendor.test.ts` checks each shape against the packages themselves.
 */

/** Fields of a value whose kind is not known. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object's fields; `null` for all else, arrays included. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** A text that says something, else `undefined`. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A list, or an empty one. */
export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** A span as Mastra's exporters are given it. */
export interface MastraSpan {
  readonly id: string;
  readonly traceId: string;
  readonly name: string;
  /** `agent_run`, `tool_call` and so on. */
  readonly type: string;
  readonly entityId?: string;
  readonly entityName?: string;
  readonly attributes?: object;
  readonly metadata?: object;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly errorInfo?: { readonly message: string; readonly name?: string; readonly stack?: string };
  /** A point in time: only its end is told. */
  readonly isEvent: boolean;
  readonly parentSpanId?: string;
  readonly tags?: string[];
}

/** What Mastra tells its exporters: `span_started`, `span_updated` or `span_ended`. */
export interface MastraEvent {
  readonly type: string;
  readonly exportedSpan: MastraSpan;
}

/** An exporter for `exporters` of Mastra's observability. None of its methods throws. */
export interface MastraExporter {
  readonly name: string;
  init(options: object): void;
  onTracingEvent(event: MastraEvent): void;
  exportTracingEvent(event: MastraEvent): Promise<void>;
  /** Resolves when what was recorded is durable. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** A processor for `spanOutputProcessors`: gives every span back as it came. */
export interface MastraSpanProcessor {
  readonly name: string;
  process<S extends object>(span?: S): S | undefined;
  shutdown(): Promise<void>;
}

/** One entry of `configs` of Mastra's `Observability`. */
export interface MastraConfig {
  serviceName: string;
  exporters: MastraExporter[];
  spanOutputProcessors: MastraSpanProcessor[];
  serializationOptions: {
    maxStringLength: number;
    maxDepth: number;
    maxArrayLength: number;
    maxObjectKeys: number;
  };
}

/** A span under way, as far as this capture takes hold of it. */
export interface LiveSpan {
  readonly id: string;
  readonly type: string;
  readonly traceState?: { readonly hideInput?: boolean; readonly hideOutput?: boolean };
  executeInContext?: <T>(fn: () => Promise<T>) => Promise<T>;
  executeInContextSync?: <T>(fn: () => T) => T;
  createTracker?: () => LiveTracker | undefined;
}

/** What follows the model calls of one generation inside Mastra. */
export interface LiveTracker {
  startStep?: (payload?: object) => void;
  setInferenceContext?: (context: object) => void;
  startInference?: (payload?: object) => void;
  updateStep?: (payload?: object) => void;
  reportGenerationError?: (options: { error: unknown }) => void;
  wrapStream?: (stream: ReadableStream<unknown>) => ReadableStream<unknown>;
}
