import type { Recorder } from '../../../core/record/recording.ts';
import { requestToTokens } from '../../../core/work/budget/estimate.ts';
import type { CallOutcome, CallPass, GovernedStart } from '../../../core/work/gate.ts';
import { enterGate, heldPass } from '../../../core/work/gate.ts';
import type { AnswerReader } from '../body/answer-reader.ts';
import { createAnswerReader } from '../body/answer-reader.ts';
import type { Exchange } from '../exchange.ts';
import type { ExchangeRequest } from '../exchange-request.ts';
import type { Answer, WireFormat } from '../formats/format.ts';
import { hostToProvider } from '../hosts.ts';
import type { Place } from '../place.ts';

/*
 * What one exchange of a governed run spends. While the answer comes, what it has used is counted at most every 100 ms, or
 * every 16 kB; the pass says whether it may go on, and if not, the exchange is cut off.
 */

const checkMs = 100;
const checkBytes = 16 * 1024;

/** Watches what an exchange spends. */
export interface Spending {
  /** Aborted when the pass no longer lets the exchange go on; `null` when nothing cuts it off. */
  readonly signal: AbortSignal | null;
  /** What to do then: cut it off, with this error. */
  onRefused(cut: (error: Error) => void): void;
  head(kind: 'event-stream' | 'json' | 'other'): void;
  chunk(bytes: Uint8Array): void;
  end(outcome: { readonly status: number | null; readonly thrown: unknown; readonly isBlind: boolean }): void;
}

/** Bytes of what a model said: its words, its reasoning, its tool inputs. */
function answerToBytes(answer: Answer): number {
  let bytes = 0;
  for (const part of answer.parts as readonly Readonly<Record<string, unknown>>[])
    for (const key of ['text', 'input', 'args', 'name', 'toolName', 'data'])
      if (typeof part[key] === 'string') bytes += Buffer.byteLength(part[key]);
      else if (typeof part[key] === 'object' && part[key] !== null)
        bytes += Buffer.byteLength(JSON.stringify(part[key]) ?? '');
  return bytes;
}

// The request never left the machine: nothing was used.
const unsentCodes = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL', 'UND_ERR_CONNECT_TIMEOUT']);

function isUnsent(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1)
    if (unsentCodes.has(String((error as { code?: unknown }).code))) return true;
  return false;
}

/** Counts what an exchange uses for its pass, and settles it at the exchange's end. */
export function createSpending(pass: CallPass, format: WireFormat | null): Spending {
  let reader: AnswerReader | null = null;
  let timer: NodeJS.Timeout | null = null;
  let bytesSince = 0;
  let cut: ((error: Error) => void) | null = null;
  let isCut = false;
  let isOver = false;

  const progress = (answer: Answer | null) => ({
    usage: answer?.usage ?? null,
    outputBytes: answer === null ? 0 : answerToBytes(answer),
  });
  const cutOff = (): void => {
    if (isOver || isCut) return;
    isCut = true;
    cut?.(pass.refusal ?? new Error('the call may not go on'));
  };
  const check = (): void => {
    timer = null;
    bytesSince = 0;
    if (!isOver && !isCut && !pass.note(progress(reader?.answer() ?? null))) cutOff();
  };

  return {
    signal: pass.signal,
    onRefused(given) {
      cut = given;
      whenCut(pass, cutOff);
    },
    head(kind) {
      reader = createAnswerReader({ kind, format, isRead: true, nowMs: () => 0 });
    },
    chunk(bytes) {
      if (isOver) return;
      reader?.chunk(bytes);
      bytesSince += bytes.byteLength;
      if (bytesSince >= checkBytes) check();
      else timer ??= setTimeout(check, checkMs).unref();
    },
    end({ status, thrown, isBlind }) {
      if (isOver) return;
      isOver = true;
      if (timer !== null) clearTimeout(timer);
      reader?.end();
      const answer = reader?.answer() ?? null;
      const isRefusal = status !== null && status >= 400;
      const outcome: CallOutcome = {
        ...progress(answer),
        isUsed: !isRefusal && !(status === null && isUnsent(thrown)),
        isWhole: !isCut && answer?.isFinished === true,
        // An answer in a form that nobody understands says nothing of what it used.
        isUnseen: isBlind || (answer === null && thrown === null),
        usageRaw: answer?.usageRaw,
        cost: answer?.cost ?? null,
      };
      void pass.end(outcome);
    },
  };
}

function whenCut({ signal }: CallPass, cutOff: () => void): void {
  if (signal?.aborted === true) cutOff();
  else signal?.addEventListener('abort', cutOff, { once: true });
}

/** An exchange below a layer that holds the pass and counts: it is cut off with it, and tells nothing. */
function createFollower(pass: CallPass): Spending {
  return {
    signal: pass.signal,
    onRefused: (cut) => whenCut(pass, () => cut(pass.refusal!)),
    head: () => undefined,
    chunk: () => undefined,
    end: () => undefined,
  };
}

/** What the request lets come out at most. */
function outputMaxOf(options: Readonly<Record<string, unknown>> | null): number | null {
  const max = options?.['maxOutputTokens'];
  return typeof max === 'number' && Number.isFinite(max) && max >= 0 ? Math.ceil(max) : null;
}

/**
 * Asks about an exchange whose start was recorded, or follows the pass that a layer above holds for its step. `null` when
 * nothing is counted of it. Rejects with why the exchange may not leave.
 */
export async function enterExchange(
  start: GovernedStart,
  place: Pick<Place, 'step' | 'format'> | null,
  request: ExchangeRequest,
): Promise<Spending | null> {
  if (place === null) return enterGate(start, null, { ...unknownCall, kind: 'model' }).then(() => null);
  const { step, format } = place;
  const held = heldPass(step);
  if (held !== null) return createFollower(held);
  if (step.kind !== 'model') return null;
  const parsed = request.text === null ? null : (format?.parseRequest(request.text, request.url.pathname) ?? null);
  const bytes = request.body?.bytes ?? null;
  const pass = await enterGate(start, step, {
    kind: 'model',
    provider: hostToProvider(request.url.hostname) ?? request.client?.provider ?? null,
    model: parsed?.model ?? null,
    inputTokens: request.text !== null ? requestToTokens(request.text) : bytes === null ? null : Math.ceil(bytes / 3),
    outputTokensMax: parsed?.operation === 'embed' ? 0 : outputMaxOf(parsed?.options ?? null),
  });
  return createSpending(pass, format);
}

/**
 * Asks about an exchange in a layer that can only watch: it leaves meanwhile, and is cut off when it may not. A pass that
 * comes after its end is settled at once.
 */
export function enterLate(
  start: GovernedStart | null,
  of: { readonly exchange: Exchange | null; readonly request: ExchangeRequest },
  cut: (error: Error) => void,
): void {
  const { exchange, request } = of;
  if (start === null || exchange === null) return;
  enterExchange(start, exchange.place, request).then(
    (spending) => {
      if (spending === null) return;
      spending.onRefused(cut);
      if (exchange.isEnded) spending.end({ status: null, thrown: null, isBlind: true });
      else exchange.spend(spending);
    },
    (error: Error) => cut(error),
  );
}

const unknownCall = { provider: null, model: null, inputTokens: null, outputTokensMax: null } as const;

/** True when calls of this recorder that leave here and now are governed. */
export function isGoverned(recorder: Recorder): boolean {
  return (recorder.current()?.gate ?? null) !== null;
}
