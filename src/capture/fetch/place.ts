import { hash } from 'node:crypto';
import type { RetryClass } from '../../core/model/attempt.ts';
import { expectedExchanges } from '../../core/record/expected-exchange.ts';
import type { AttemptRecorder, Recorder, RunRecorder, StepRecorder, StepStart } from '../../core/record/recording.ts';
import type { Conversations } from './conversations.ts';
import { toAttemptRequest } from './exchange.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import type { ParsedRequest, WireFormat } from './formats/format.ts';
import { recogniseRequest } from './formats/recognise.ts';
import { hostToProvider, isCredentialExchange, isModelCall, pathToOperation } from './hosts.ts';
import { isGoverned } from './spending/spending.ts';
import type { CallKey, RetryMemory } from './retry/retry-memory.ts';
import { toTryCount } from './retry/try-count.ts';

/** Where an exchange is recorded. */
export interface Place {
  readonly attempt: AttemptRecorder;
  /** The step that the exchange is made for. */
  readonly step: StepRecorder;
  /** The step that has no other capture: its end is the exchange's. `null` when an SDK's capture ends it. */
  readonly ownStep: StepRecorder | null;
  /** The attempt's start already told the request. */
  readonly isRequestTold: boolean;
  readonly withheld: { readonly inputs: boolean; readonly outputs: boolean };
  readonly format: WireFormat | null;
  /** Told what the provider said the call cost, where another capture ends the step and may not pass it on. */
  readonly onCost: ((nanoUsd: number) => void) | null;
  /** The exchange failed: where it may be tried again, the same request that follows is this step's next attempt. */
  onFailed(retryClass: RetryClass | null): void;
  onAnswer(answer: { responseId: string | null; text: string; retryClass: RetryClass | null }): void;
}

/** What decides on a place. */
export interface PlaceRules {
  readonly recorder: Recorder;
  readonly conversations: Conversations;
  readonly retries: RetryMemory;
}

/** A step may keep its words to itself, and may say so late; what the wire says of it is then kept back too. */
function withheldOf(step: StepRecorder): Place['withheld'] {
  return {
    get inputs() {
      return step.inputsWithheld;
    },
    get outputs() {
      return step.outputsWithheld;
    },
  };
}

/** An attempt that no exchange has taken yet. */
const isFree = (attempt: AttemptRecorder | null): attempt is AttemptRecorder =>
  attempt !== null && !attempt.finished && !attempt.claimed;

/** A step may stay in scope after its end; then it is no longer the place of what follows. */
const isUnderWay = (step: StepRecorder): boolean => step.status === 'in_progress' || isFree(step.openAttempt);

const nothing = (): void => undefined;

/** Inside another capture's model step: its open attempt, or a further one when that is taken. */
function placeInStep(step: StepRecorder, request: ExchangeRequest, isListed: boolean): Place | null {
  if (isCredentialExchange(request.url)) return null;
  const withheld = withheldOf(step);
  const format = recogniseRequest(request.url.pathname, request.text);
  const open = step.openAttempt;
  const onCost = (nanoUsd: number): void => step.actualCost({ nanoUsd, source: 'provider-response' });
  const shared = { step, ownStep: null, withheld, format, onCost, onFailed: nothing, onAnswer: nothing };
  if (isFree(open)) {
    open.claim();
    return { ...shared, attempt: open, isRequestTold: false };
  }
  const isFurther = format !== null || (isListed && isModelCall(request.method, request.url.pathname));
  if (!isFurther) return null;
  const attempt = step.attempt(toAttemptRequest(request, withheld.inputs));
  attempt.claim();
  return { ...shared, attempt, isRequestTold: true };
}

function toStepStart(
  request: ExchangeRequest,
  format: WireFormat | null,
  parsed: ParsedRequest | null,
  parentStepId: string | null,
): StepStart {
  const { pathname, hostname } = request.url;
  const isModel = parsed !== null || isModelCall(request.method, pathname);
  const provider = hostToProvider(hostname) ?? request.client?.provider ?? null;
  return {
    kind: isModel ? 'model' : 'phase',
    ...(isModel
      ? { operation: parsed?.operation ?? pathToOperation(pathname) }
      : { name: `${request.method} ${pathname}` }),
    ...(provider === null ? {} : { provider }),
    ...(request.isObservedAfter ? { observedAfter: true } : {}),
    ...(parentStepId === null ? {} : { parentStepId }),
    ...(format === null ? {} : { metadata: { wireFormat: format.name } }),
    ...(parsed === null ? {} : parsedToStart(parsed)),
  };
}

function parsedToStart(parsed: ParsedRequest): Partial<StepStart> {
  return {
    ...(parsed.model === null ? {} : { model: parsed.model }),
    ...(parsed.messages === null ? {} : { messages: parsed.messages }),
    ...(parsed.marks.length === 0 ? {} : { contextMarks: parsed.marks }),
    ...(parsed.tools === null ? {} : { tools: parsed.tools }),
    ...(Object.keys(parsed.options).length === 0 ? {} : { options: parsed.options }),
    ...(parsed.request === undefined ? {} : { request: parsed.request }),
  };
}

function retryKeyOf(scope: string, request: ExchangeRequest): CallKey {
  if (request.call !== undefined) return request.call;
  const body = request.text ?? `${request.body?.bytes ?? 0}`;
  return hash('sha256', `${scope}\n${request.method}\n${request.url.href}\n${body}`);
}

/** Outside any SDK's step: a step of its own, in the run in scope or in that of its conversation. */
function placeAlone(rules: PlaceRules, request: ExchangeRequest): Place {
  const { recorder, conversations, retries } = rules;
  const scoped = recorder.current();
  const inScope: RunRecorder | null = scoped !== null && scoped.recording && !scoped.closed ? scoped : null;
  const format = recogniseRequest(request.url.pathname, request.text);
  const parsed =
    format === null || request.text === null ? null : format.parseRequest(request.text, request.url.pathname);
  const key = (): CallKey => retryKeyOf(inScope?.id ?? '', request);
  const tryCount = toTryCount(request.headers);
  const isUnasked = retries.isEmpty && request.call === undefined;
  const failed = isUnasked ? null : retries.take(key(), tryCount);
  const call = {
    host: request.url.host,
    messages: parsed?.messages ?? [],
    continues: parsed?.continues ?? null,
    model: parsed?.model ?? null,
    client: request.client ?? null,
  };
  const run = failed?.run ?? inScope ?? conversations.runOf(call);
  const around = recorder.currentStep();
  const parentStepId = around !== null && around.run.id === run.id && isUnderWay(around) ? around.id : null;
  const step = failed ?? run.step(toStepStart(request, format, parsed, parentStepId));
  const attempt = step.attempt(toAttemptRequest(request, false));
  // Its end comes from the wire, also when the step has ended before.
  attempt.claim();
  const isTheirs = inScope === null;
  if (isTheirs) conversations.began(run);
  return {
    onCost: null,
    attempt,
    step,
    ownStep: step,
    isRequestTold: true,
    withheld: { inputs: false, outputs: false },
    format,
    onFailed(retryClass) {
      // A client that counts its tries may try again after its own deadline as well, which looks like an abort.
      if (retryClass !== null || tryCount !== null) retries.keep(key(), step, tryCount);
    },
    onAnswer({ responseId, text, retryClass }) {
      if (retryClass === null && tryCount === null && !retries.isEmpty) retries.drop(key(), step);
      if (isTheirs) conversations.ended(run, { status: step.status, responseId, text });
    },
  };
}

/**
 * Finds the place of an exchange and begins its attempt: inside an SDK's open attempt it is that attempt, whatever
 * the host; outside one it gets its own step. `null` when it is none of ours.
 */
export function findPlace(
  rules: PlaceRules,
  request: ExchangeRequest,
  isListed: boolean,
  isEverything: boolean,
): Place | null {
  const step = rules.recorder.currentStep();
  const isInModel = step !== null && step.kind === 'model' && isUnderWay(step);
  const exchanges = expectedExchanges();
  const expected = isInModel && !exchanges.has(step) ? null : exchanges.find(request.text);
  if (expected !== null) {
    const place = placeInStep(expected.step, request, isListed || isEverything);
    return place === null ? null : { ...place, attempt: expected.begin(place.attempt) };
  }
  if (isInModel) return placeInStep(step, request, isListed || isEverything);
  const isModel = isModelCall(request.method, request.url.pathname);
  // What a governed run sends to a model is counted wherever it goes.
  const isCounted =
    isModel && isGoverned(rules.recorder) && recogniseRequest(request.url.pathname, request.text) !== null;
  const isWanted = isEverything || (isListed && isModel) || isCounted;
  return isWanted && !isCredentialExchange(request.url) ? placeAlone(rules, request) : null;
}
