import type { Cost } from '../../../core/model/cost.ts';
import type { Usage } from '../../../core/model/usage.ts';
import type { Message, Part } from '../vendor.ts';

/** One model's part in a trace. */
export interface TracedCall {
  readonly provider: string;
  readonly model: string;
  /** `null`: none was sent. */
  readonly temperature: number | null;
  readonly inputMessages: readonly Message[];
  /** `null` when it said nothing, or says it elsewhere. */
  readonly output: string | readonly Part[] | null;
  readonly usage: Usage | null;
  readonly cost: Cost;
}

/** Where the aggregator's words are: in the line, in the line from a stream, or in the host's own session. */
export type OutputLocation = 'inline' | 'inline_from_stream' | 'assistant_message_in_session_db';

/** One fan-out that ran, and what its aggregator made of it. */
export interface Trace {
  readonly atMs: number;
  readonly sessionId: string | null;
  readonly preset: string;
  readonly references: readonly TracedCall[];
  readonly aggregator: TracedCall & { readonly streamed: boolean; readonly outputLocation: OutputLocation };
}

function toCall(call: TracedCall): Record<string, unknown> {
  const { usage, cost } = call;
  return {
    label: `${call.provider}:${call.model}`,
    model: call.model,
    provider: call.provider,
    temperature: call.temperature,
    input_messages: call.inputMessages,
    output: call.output,
    // What was not reported is null in its place (I12), so that every line has the same fields.
    usage: {
      input_tokens: usage?.input.total ?? null,
      output_tokens: usage?.output.total ?? null,
      cache_read_tokens: usage?.input.cacheRead ?? null,
      cache_write_tokens: usage?.input.cacheWrite ?? null,
      reasoning_tokens: usage?.output.reasoning ?? null,
    },
    cost_usd: cost.nanoUsd === null ? null : cost.nanoUsd / 1e9,
    cost_status: cost.status,
    cost_source: cost.source,
  };
}

/** Bytes of files are counted, not copied. */
function withoutBytes(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Uint8Array ? { bytes: original.byteLength } : value;
}

/** A trace as one line of JSON without its end of line. Pure; what it holds is not yet redacted. */
export function traceToLine({ atMs, sessionId, preset, references, aggregator }: Trace): string {
  const { streamed, outputLocation, ...call } = aggregator;
  const { usage, cost_usd, cost_status, cost_source, ...said } = toCall(call);
  const line = {
    ts: atMs / 1000,
    session_id: sessionId,
    preset,
    references: references.map(toCall),
    aggregator: { ...said, streamed, output_location: outputLocation, usage, cost_usd, cost_status, cost_source },
  };
  return JSON.stringify(line, withoutBytes);
}
