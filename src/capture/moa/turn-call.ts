import { sha256Hex } from '../../core/digest.ts';
import { errorToEndReason } from '../../core/record/failure.ts';
import type { Recorder, RunRecorder } from '../../core/record/recording.ts';
import type { Memory } from './advice/cache.ts';
import { adviceKeyToDigest, createMemory } from './advice/cache.ts';
import { cutToCadence } from './advice/cadence.ts';
import type { Advice } from './advice/guidance.ts';
import { addGuidance, guidanceToText } from './advice/guidance.ts';
import { promptToView } from './advice/view.ts';
import type { AggregatorCall, AggregatorEnd } from './aggregator-call.ts';
import { generateAnswer, streamAnswer } from './aggregator-call.ts';
import type { FanOut, FanOutSettings } from './fan-out.ts';
import { runFanOut } from './fan-out.ts';
import type { Members } from './members.ts';
import type { AdviceSource } from './progress.ts';
import type { Iteration } from './record/iteration.ts';
import { modelToLabel, toProvider } from './record/model-call.ts';
import { answerToSpending, failureToSpending, sumOfSpendings } from './record/spending.ts';
import type { Turn } from './record/turn.ts';
import { createTurnBook } from './record/turn.ts';
import type { TraceBook } from './trace/book.ts';
import type { TracedCall } from './trace/line.ts';
import type { CallOptions, Fields, GenerateResult, Message, StreamResult } from './vendor.ts';

/** Everything a mixture is made of. */
export interface MixtureParts extends FanOutSettings, Members {
  readonly recorder: Recorder;
  readonly agentId: string;
  readonly sessionId: () => string | null;
  readonly idleMs: number;
  readonly isOutputKeptBySession: boolean;
  readonly guard: (fn: () => void) => void;
  readonly traces: TraceBook;
}

/** The two ways in which a mixture is called. */
export interface TurnCalls {
  generate(options: CallOptions): Promise<GenerateResult>;
  stream(options: CallOptions): Promise<StreamResult>;
}

/** Conversations whose advice is remembered, the latest ones. */
const adviceMax = 256;

/** Marks wander from message to message between iterations, and bytes are known by their number and digest. */
function toDigestValue(this: Fields, key: string, value: unknown): unknown {
  if (key === 'providerOptions') return undefined;
  const original = this[key];
  return original instanceof Uint8Array ? sha256Hex(original) : value;
}

function promptToDigest(prompt: readonly Message[]): string {
  return sha256Hex(JSON.stringify(prompt, toDigestValue));
}

/** One call of a mixture, under way. */
interface OpenCall {
  readonly turn: Turn;
  readonly iteration: Iteration;
  readonly options: CallOptions;
  readonly sessionId: string | null;
}

interface Advised {
  readonly source: AdviceSource;
  readonly advice: readonly Advice[];
}

function beginTurn(parts: MixtureParts, sessionId: string | null): () => RunRecorder {
  const { recorder, agentId, presetName, aggregator } = parts;
  return () => {
    const step = recorder.currentStep();
    return recorder.startRun({
      agentId,
      kind: 'moa_turn',
      name: presetName,
      capture: 'moa',
      model: aggregator.modelId,
      ...(sessionId === null ? {} : { sessionId }),
      ...(step === null ? {} : { parent: step.run.ref(step.id) }),
    });
  };
}

/** The calls of one mixture. */
export function createTurnCalls(parts: MixtureParts): TurnCalls {
  const { recorder, preset, presetName, references, privacy, clock, prices } = parts;
  const cache: Memory<readonly Advice[]> = createMemory(adviceMax);
  const turns = createTurnBook({ recorder, schedule: parts.schedule, idleMs: parts.idleMs });
  const settingsOfReferences = references.map(({ model, reasoningEffort, contextTokens }) => ({
    label: modelToLabel(model),
    ...{ provider: model.provider, reasoningEffort, contextTokens },
    ...{ temperature: preset.referenceTemperature, tokensMax: preset.referenceTokensMax },
    instruction: parts.instruction,
  }));

  const open = (given: CallOptions): OpenCall => {
    const options = { ...given, prompt: privacy.read(given.prompt) };
    let sessionId: string | null = null;
    parts.guard(() => void (sessionId = parts.sessionId()));
    const caller = recorder.currentStep()?.run ?? recorder.current();
    const at = { place: sessionId ?? caller?.id ?? '', caller, start: beginTurn(parts, sessionId) };
    const turn = turns.turnOf(at, promptToDigest(cutToCadence(options.prompt, 'user_turn')));
    turn.begin();
    return { turn, iteration: turn.iterate(promptToDigest(options.prompt)), options, sessionId };
  };

  /** The advice for this iteration: used again, or asked for. A fan-out that was aborted is not remembered. */
  const advise = async ({ turn, iteration, options }: OpenCall): Promise<Advised> => {
    if (references.length === 0) return { source: 'none', advice: [] };
    const view = promptToView(cutToCadence(options.prompt, preset.fanout), preset.toolResultBudget);
    const key = adviceKeyToDigest({ preset: presetName, references: settingsOfReferences, view });
    const known = cache.get(key);
    if (known !== null) return { source: 'hit', advice: known };
    const signal = options.abortSignal;
    const traceFolder = parts.traces.folder();
    const atMs = clock.nowMs();
    const asked = await runFanOut(parts, { run: turn.run, iteration: iteration.index, signal }, view);
    iteration.addFanOut({ atMs, asked, traceFolder });
    const advice = asked.map((one) => privacy.read(one.advice));
    if (signal?.aborted !== true) cache.set(key, advice);
    return { source: 'miss', advice };
  };

  const toTraced = ({ sessionId: _session, options }: OpenCall, end: AggregatorEnd, timeMs: number): TracedCall => {
    const { aggregator } = parts;
    const content = end.answer?.content ?? [];
    const isWords = content.every(({ type }) => type === 'text');
    const spending =
      end.failure === null
        ? answerToSpending(end.answer!, aggregator, { timeMs, prices })
        : failureToSpending(end.failure.error, prices);
    return {
      provider: toProvider(aggregator.provider),
      model: aggregator.modelId,
      temperature: options.temperature ?? null,
      inputMessages: options.prompt,
      output: content.length === 0 ? null : isWords ? content.map(({ text }) => String(text)).join('') : content,
      ...spending,
    };
  };

  const writeTraces = (call: OpenCall, end: AggregatorEnd, as: { streamed: boolean; atMs: number }) => {
    return (fanOuts: readonly FanOut[]): void => {
      for (const { atMs, asked, traceFolder } of fanOuts) {
        if (traceFolder === null) continue;
        const traced = toTraced(call, end, as.atMs);
        const isElsewhere = as.streamed && parts.isOutputKeptBySession;
        const outputLocation = isElsewhere
          ? ('assistant_message_in_session_db' as const)
          : as.streamed
            ? ('inline_from_stream' as const)
            : ('inline' as const);
        const output = isElsewhere ? null : traced.output;
        parts.traces.write(traceFolder, {
          ...{ atMs, sessionId: call.sessionId, preset: presetName },
          references: asked.map((one) => one.traced),
          aggregator: { ...traced, output, streamed: as.streamed, outputLocation },
        });
      }
    };
  };

  const settle = (call: OpenCall, end: AggregatorEnd, as: { streamed: boolean; atMs: number }): void => {
    const hasFailed = end.failure !== null && !end.isLast;
    parts.guard(() => call.iteration.end({ hasFailed, isFinal: !hasFailed }, writeTraces(call, end, as)));
    parts.guard(() => call.turn.end(privacy.record(end.close), end.isLast));
  };

  const prepare = async (given: CallOptions, operation: 'generate' | 'stream'): Promise<AggregatorCall> => {
    const call = open(given);
    const as = { streamed: operation === 'stream', atMs: clock.nowMs() };
    const advised = await advise(call);
    const { turn, iteration, options } = call;
    const { aggregator: model, aggregatorEffort } = parts;
    const { aggregatorTemperature, degradedPolicy } = preset;
    const guidance = guidanceToText({ preset: presetName, advice: advised.advice, degradedPolicy });
    const asked: CallOptions = {
      ...options,
      prompt: addGuidance(options.prompt, guidance),
      ...(aggregatorTemperature === null ? {} : { temperature: aggregatorTemperature }),
      ...(aggregatorEffort === null ? {} : { reasoning: aggregatorEffort }),
    };
    const told = { ...call, options: asked };
    if (given.abortSignal?.aborted === true) {
      const error: unknown = given.abortSignal.reason;
      const close = { endReason: errorToEndReason(error), error };
      settle(told, { answer: null, failure: { error }, close, isLast: true }, as);
      throw error;
    }
    parts.tell({ type: 'aggregating', advice: advised.source });
    const moa = {
      ...{ role: 'aggregator', preset: presetName, label: modelToLabel(model), iteration: iteration.index },
      ...{ advice: advised.source, fanout: preset.fanout },
      references: advised.advice.map(({ label, text }) => ({ label, failed: text === null })),
      ...(parts.skipped.length === 0 ? {} : { skipped: parts.skipped }),
    };
    const record = iteration.step({
      run: turn.run,
      model,
      operation,
      options: asked,
      name: 'aggregator',
      moa,
      privacy,
    });
    const metadata = (): Fields => ({
      ...(recorder.recording ? { countedIn: turn.run.id } : {}),
      preset: presetName,
      advice: advised.source,
      references: sumOfSpendings(
        iteration.fanOuts.flatMap((one) => one.asked.flatMap(({ spending }) => spending ?? [])),
      ) as unknown as Fields,
    });
    return { model, options: asked, record, clock, metadata, onEnd: (end) => settle(told, end, as) };
  };

  return {
    generate: async (options) => generateAnswer(await prepare(options, 'generate')),
    stream: async (options) => streamAnswer(await prepare(options, 'stream')),
  };
}
