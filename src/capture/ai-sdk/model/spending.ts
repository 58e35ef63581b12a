import type { StepRecorder } from '../../../core/record/recording.ts';
import { requestToTokens } from '../../../core/work/budget/estimate.ts';
import type { CallPass, GovernedStart } from '../../../core/work/gate.ts';
import { enterGate, holdPass } from '../../../core/work/gate.ts';
import type { ModelName, ModelSpending } from '../model-step.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

const inputs = ['prompt', 'tools', 'values', 'query', 'documents', 'text', 'instructions'] as const;

/** Operations that answer without words. */
const wordless: ReadonlySet<string> = new Set(['embed', 'rerank']);

/** Pictures and files as bytes are counted as pictures and files are, not as lists of numbers. */
function toText(value: unknown): string {
  const replace = (_key: string, item: unknown): unknown =>
    item instanceof Uint8Array ? Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('base64') : item;
  return JSON.stringify(value, replace) ?? '';
}

function estimateInput(params: Fields): number {
  return inputs.reduce((sum, key) => sum + (params[key] === undefined ? 0 : requestToTokens(toText(params[key]))), 0);
}

/** Bytes of words in a part of a stream. */
function partToBytes(part: unknown): number {
  const { type, delta, input } = (toFields(part) ?? {}) as { type?: unknown; delta?: unknown; input?: unknown };
  if (typeof type !== 'string') return 0;
  if (type.endsWith('-delta') && typeof delta === 'string') return Buffer.byteLength(delta);
  // What came in deltas before is counted twice, on the safe side; few providers send both.
  return type === 'tool-call' && typeof input === 'string' ? Buffer.byteLength(input) : 0;
}

/**
 * Asks whether a call of a governed run may leave, once its start was recorded. The pass is held for the step, so that the
 * exchange below does not ask again. Rejects with why the call may not leave.
 */
export async function enterCall(
  start: GovernedStart,
  step: StepRecorder | null,
  call: { readonly operation: string; readonly model: ModelName; readonly params: Fields },
): Promise<ModelSpending> {
  const max = call.params['maxOutputTokens'];
  const pass: CallPass = await enterGate(start, step, {
    kind: 'model',
    provider: call.model.provider ?? null,
    model: call.model.modelId ?? null,
    inputTokens: estimateInput(call.params),
    outputTokensMax: wordless.has(call.operation) ? 0 : typeof max === 'number' ? max : null,
  });
  const letGo = holdPass(step!, pass);
  let outputBytes = 0;
  return {
    get refusal() {
      return pass.refusal;
    },
    signal: pass.signal,
    part(part) {
      const bytes = partToBytes(part);
      outputBytes += bytes;
      if (bytes > 0) pass.note({ usage: null, outputBytes });
    },
    end(outcome) {
      letGo();
      void pass.end({ ...outcome, outputBytes });
    },
  };
}
