import { elapsedMs } from '../clock.ts';
import type { Usage } from '../model/usage.ts';
import { unknownUsage } from '../model/usage.ts';
import { count, readFields } from './given.ts';
import { observedCallShape, observedResponseShape } from './given-shapes.ts';
import type { ObservedCall, ObservedResponse, RunRecorder, StepFinish } from '../record/recording.ts';
import type { RunState } from './run-state.ts';

/** The observer form: for harnesses that own their loop and tell of each iteration after it happened. */
export interface Observer {
  onStep(iteration: unknown, response: unknown): void;
  onTool(call: unknown, result: unknown): void;
}

/** Tools whose arguments and results usually hold secrets of others: what they are called with is withheld. */
export function isSecretBearing(name: string): boolean {
  return name === 'mcp_call' || name === 'email_send' || name.startsWith('http_');
}

function toUsage(reported: ObservedResponse['usage']): Usage | null {
  if (reported == null) return null;
  return {
    input: { ...unknownUsage.input, total: reported.input ?? null, cacheRead: reported.cacheRead ?? null },
    output: { ...unknownUsage.output, total: reported.output ?? null, reasoning: reported.reasoning ?? null },
    requests: null,
  };
}

/** A call without a name that can be read may be any tool's. */
type IsWithheld = (toolName: string | undefined) => boolean;

function toResponse(response: ObservedResponse, isWithheld: IsWithheld): readonly object[] {
  const calls = response.toolCalls ?? [];
  const isTextWithheld = calls.some((call) => isWithheld(call.name));
  const text = isTextWithheld ? '' : (response.text ?? '').trim();
  const reasoning = isTextWithheld ? '' : (response.reasoning ?? '').trim();
  return [
    ...(reasoning === '' ? [] : [{ type: 'reasoning', text: reasoning }]),
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...calls.map((call) => ({
      type: 'tool-call',
      toolCallId: call.id ?? null,
      toolName: call.name ?? '',
      input: isWithheld(call.name) ? '[WITHHELD:secret-bearing-tool]' : (call.args ?? null),
    })),
  ];
}

function toFinish(response: ObservedResponse | null, durationMs: number, isWithheld: IsWithheld): StepFinish {
  const textLength = Buffer.byteLength(response?.text ?? '');
  if (response === null) return { status: 'completed', durationMs, metadata: { textLength } };
  const textWithheld = (response.toolCalls ?? []).some((call) => isWithheld(call.name));
  const parts = toResponse(response, isWithheld);
  return {
    status: 'completed',
    durationMs,
    ...(parts.length === 0 ? {} : { response: parts }),
    ...(response.model == null ? {} : { model: response.model }),
    ...(response.provider == null ? {} : { provider: response.provider }),
    ...(response.finishReason == null
      ? {}
      : { finishReason: { unified: response.finishReason, raw: response.finishReason } }),
    usage: toUsage(response.usage),
    metadata: { textLength, ...(textWithheld ? { textWithheld: true } : {}) },
  };
}

/** An observer over a run that began at `sinceMs`. `isBearing` tells secret-bearing tools. */
export function createObserver(
  state: RunState,
  { run, isBearing, ...of }: { run: RunRecorder; isBearing: (name: string) => boolean; sinceMs: number },
): Observer {
  const { clock, onError, safely } = state.desk;
  // A rule that cannot answer withholds (I4).
  const isWithheld: IsWithheld = (name) => name === undefined || safely(() => isBearing(name), true);
  let { sinceMs } = of;
  let isModelNamed = false;
  let lastStepId: string | undefined;

  return {
    onStep(number, given) {
      const iteration = count(number) ?? null;
      const response = given == null ? null : readFields<ObservedResponse>(given, observedResponseShape, onError);
      const durationMs = elapsedMs(clock, sinceMs);
      sinceMs = clock.monotonicMs();
      const step = run.step({
        kind: 'model',
        operation: 'generate',
        observedAfter: true,
        metadata: { iteration, stepMs: durationMs },
      });
      lastStepId = step.id;
      step.finish(toFinish(response, durationMs, isWithheld));
      if (response?.model == null || isModelNamed) return;
      isModelNamed = true;
      run.log('resolved_model', { provider: response.provider ?? null, model: response.model });
    },
    onTool(given, result) {
      const call = readFields<ObservedCall>(given, observedCallShape, onError);
      const withheld = isWithheld(call.name);
      const step = run.tool({
        name: call.name ?? '',
        ...(call.id === undefined ? {} : { callId: call.id }),
        ...(withheld ? { inputsWithheld: true } : { args: call.args ?? null }),
        ...(lastStepId === undefined ? {} : { parentStepId: lastStepId }),
        observedAfter: true,
      });
      const outcome = withheld ? { outputsWithheld: true } : { result };
      step.finish({ status: 'completed', resultStatus: 'success', durationMs: null, ...outcome });
    },
  };
}
