import { createChunkMeter } from '../../../core/model/chunk-timing.ts';
import type { FinishReason, StepStatus, StreamSummary } from '../../../core/model/step.ts';
import { isAbort } from '../../../core/record/failure.ts';
import type { PartialText } from '../../../core/record/recording.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';

/*
 * What a model stream amounts to.
 *
 *   part* ── finish ── eof | left | aborted      → completed
 *   part* ── left                                → interrupted, partial kept, no usage
 *   part* ── eof                                 → interrupted, partial kept
 *   part* ── error (abort or deadline) ── any    → interrupted
 *   part* ── error (any other) ── any            → error, the first error, later usage kept
 *   (nothing or part*) ── aborted | unread       → interrupted
 *
 * A thrown read error counts as an error part.
 */

/** How a stream came to its end. `left`: the consumer cancelled it. `unread`: nobody read it for too long. */
export type StreamEnd =
  | { readonly kind: 'eof' }
  | { readonly kind: 'left'; readonly reason?: unknown }
  | { readonly kind: 'aborted'; readonly reason?: unknown }
  | { readonly kind: 'unread' }
  | { readonly kind: 'error'; readonly error: unknown };

/** What is recorded of a stream that ended. */
export interface StreamOutcome {
  readonly status: Exclude<StepStatus, 'in_progress'>;
  /** Content parts in order, those cut short marked `incomplete`. */
  readonly response: readonly unknown[];
  readonly finishReason: FinishReason | null;
  /** The finish part's usage, as the provider layer gave it. */
  readonly usage: unknown;
  readonly providerMetadata: unknown;
  readonly warnings: readonly unknown[];
  readonly responseId: string | undefined;
  readonly modelId: string | undefined;
  /** First error, or the reason of the abort. */
  readonly error: unknown;
  readonly firstOutputMs: number | null;
  readonly summary: StreamSummary;
}

/** Collects the parts of one stream. It reads no clock and does nothing but collect. */
export interface StreamFold {
  /** `atMs` on the monotonic clock. */
  add(part: unknown, atMs: number): void;
  /** True once the finish part was seen. */
  readonly isFinished: boolean;
  /** True once an error part was seen. */
  readonly hasError: boolean;
  /** The words and tool inputs so far, each from its beginning, at its place in the answer. */
  texts(): readonly PartialText[];
  /** May be asked more than once; the parts are not changed by it. */
  outcome(end: StreamEnd): StreamOutcome;
}

type Mutable = Record<string, unknown>;

/** Part types that are content as they are. */
const wholeParts = new Set(['file', 'reasoning-file', 'source', 'custom', 'tool-approval-request']);

function isOutput(type: string, part: Fields): boolean {
  if (type.endsWith('-delta')) return part['delta'] !== '';
  return type === 'tool-call' || type === 'file' || type === 'reasoning-file';
}

/** Parts of one kind in a row become one, unless either carries something of its own. */
function mergeRows(parts: readonly Mutable[]): readonly Mutable[] {
  const merged: Mutable[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    const isWords = part['type'] === 'text' || part['type'] === 'reasoning';
    const isBare = part['providerMetadata'] === undefined && part['citations'] === undefined;
    if (isWords && isBare && part['text'] === '') continue;
    const isLastBare = last !== undefined && last['providerMetadata'] === undefined && last['citations'] === undefined;
    if (isWords && isBare && isLastBare && last['type'] === part['type']) {
      merged[merged.length - 1] = { ...last, text: `${String(last['text'])}${String(part['text'])}` };
    } else {
      merged.push(part);
    }
  }
  return merged;
}

interface Collected {
  readonly parts: Mutable[];
  readonly openById: Map<string, Mutable>;
  readonly callById: Map<string, number>;
  readonly resultById: Map<string, number>;
}

/** Text and reasoning blocks: `…-start`, `…-delta`, `…-end`, told apart by id. */
function addWords(into: Collected, kind: 'text' | 'reasoning', type: string, part: Fields): void {
  const key = `${kind}/${String(part['id'])}`;
  let open = type.endsWith('-start') ? undefined : into.openById.get(key);
  if (open === undefined) {
    open = { type: kind, text: '' };
    into.parts.push(open);
    into.openById.set(key, open);
  }
  if (typeof part['delta'] === 'string') open['text'] = `${String(open['text'])}${part['delta']}`;
  if (part['providerMetadata'] !== undefined) open['providerMetadata'] = part['providerMetadata'];
  if (part['citations'] !== undefined) open['citations'] = part['citations'];
  if (type.endsWith('-end')) into.openById.delete(key);
}

/** Tool input as it grows; the final call takes its place. */
function addToolInput(into: Collected, type: string, part: Fields): void {
  const id = String(part['id']);
  let index = into.callById.get(id);
  if (index === undefined) {
    index = into.parts.length;
    into.callById.set(id, index);
    into.parts.push({
      type: 'tool-call',
      toolCallId: id,
      toolName: part['toolName'] ?? '',
      input: '',
      incomplete: true,
    });
  }
  const call = into.parts[index]!;
  if (type === 'tool-input-delta' && call['incomplete'] === true)
    call['input'] = `${String(call['input'])}${String(part['delta'])}`;
}

function placeById(into: Collected, byId: Map<string, number>, part: Fields): void {
  const id = String(part['toolCallId']);
  const known = byId.get(id);
  if (known === undefined) {
    byId.set(id, into.parts.length);
    into.parts.push({ ...part });
  } else {
    into.parts[known] = { ...part };
  }
}

function addContent(into: Collected, type: string, part: Fields): void {
  if (type.startsWith('text-')) addWords(into, 'text', type, part);
  else if (type === 'reasoning-start' || type === 'reasoning-delta' || type === 'reasoning-end')
    addWords(into, 'reasoning', type, part);
  else if (type.startsWith('tool-input-')) addToolInput(into, type, part);
  else if (type === 'tool-call') placeById(into, into.callById, part);
  else if (type === 'tool-result') placeById(into, into.resultById, part);
  else if (wholeParts.has(type)) into.parts.push({ ...part });
}

function toFinishReason(value: unknown): FinishReason | null {
  const reason = toFields(value);
  const unified = toText(reason?.['unified']) ?? toText(value);
  return unified === undefined ? null : { unified, raw: toText(reason?.['raw']) ?? null };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : 'an error without words';
}

/** Status and error of a stream by its parts and its end; see the drawing above. */
function judge(
  isFinished: boolean,
  firstError: { error: unknown } | null,
  end: StreamEnd,
): { status: StreamOutcome['status']; error: unknown } {
  const thrown = end.kind === 'error' ? { error: end.error } : null;
  const failure = firstError ?? thrown;
  if (failure !== null && !isAbort(failure.error)) return { status: 'error', error: failure.error };
  if (isFinished && firstError === null) return { status: 'completed', error: undefined };
  if (failure !== null) return { status: 'interrupted', error: failure.error };
  return { status: 'interrupted', error: end.kind === 'left' || end.kind === 'aborted' ? end.reason : undefined };
}

/** A fold of a stream that starts at `startMs` on the monotonic clock. */
export function createStreamFold(startMs: number): StreamFold {
  const collected: Collected = { parts: [], openById: new Map(), callById: new Map(), resultById: new Map() };
  const meter = createChunkMeter();
  const countByType = new Map<string, number>();
  let parts = 0;
  let firstOutputMs: number | null = null;
  let finish: Fields | null = null;
  let meta: Fields = {};
  let warnings: readonly unknown[] = [];
  let firstError: { error: unknown } | null = null;
  let lastError: string | null = null;

  const time = (atMs: number): void => {
    firstOutputMs ??= Math.max(0, Math.round((atMs - startMs) * 1000) / 1000);
    meter.tick(atMs);
  };

  return {
    get isFinished() {
      return finish !== null;
    },
    get hasError() {
      return firstError !== null;
    },
    add(value, atMs) {
      const part = toFields(value);
      const type = toText(part?.['type']);
      if (part === null || type === undefined) return;
      parts += 1;
      countByType.set(type, (countByType.get(type) ?? 0) + 1);
      if (isOutput(type, part)) time(atMs);
      if (type === 'finish') finish = part;
      else if (type === 'response-metadata') meta = { ...meta, ...part };
      else if (type === 'stream-start')
        warnings = Array.isArray(part['warnings']) ? (part['warnings'] as unknown[]) : [];
      else if (type === 'error') {
        firstError ??= { error: part['error'] };
        lastError = messageOf(part['error']);
      } else addContent(collected, type, part);
    },
    texts() {
      return collected.parts.flatMap((part, index): PartialText[] => {
        const text = part['type'] === 'tool-call' ? part['input'] : part['text'];
        return typeof text === 'string' ? [{ index, type: String(part['type']), text }] : [];
      });
    },
    outcome(end) {
      const { status, error } = judge(finish !== null, firstError, end);
      const count = (type: string): number => countByType.get(type) ?? 0;
      const finishReason = toFinishReason(finish?.['finishReason']);
      return {
        status,
        response: mergeRows(collected.parts),
        finishReason,
        usage: finish?.['usage'],
        providerMetadata: finish?.['providerMetadata'],
        warnings,
        responseId: toText(meta['id']),
        modelId: toText(meta['modelId']),
        error,
        firstOutputMs,
        summary: {
          finishReason: finishReason?.unified ?? null,
          textDeltas: count('text-delta'),
          toolCalls: count('tool-call'),
          sources: count('source'),
          warnings: warnings.length,
          errors: count('error'),
          parts,
          lastError: lastError ?? (end.kind === 'error' ? messageOf(end.error) : null),
          chunkTiming: meter.timing(),
        },
      };
    },
  };
}
