import type { StepFinish } from '../../../core/record/recording.ts';
import type { Withheld } from '../map/response.ts';
import { toFields } from '../sdk-events.ts';
import type { Conversation } from './conversation.ts';

/** How a tool ended, by what the model is told of it. */
function toFinish(output: unknown, withheld: Withheld): StepFinish {
  const finish = outputToFinish(output);
  if (!withheld.outputs) return finish;
  const { result: _result, error, ...rest } = finish;
  return { ...rest, outputsWithheld: true, ...(error === undefined ? {} : { error: new Error('withheld') }) };
}

function outputToFinish(output: unknown): StepFinish {
  const fields = toFields(output) ?? {};
  const result = fields['value'] ?? output ?? null;
  switch (fields['type']) {
    case 'error-text':
    case 'error-json': {
      const message = typeof result === 'string' ? result : JSON.stringify(result);
      return { status: 'error', resultStatus: 'error', error: new Error(message), durationMs: null };
    }
    case 'execution-denied':
      return { status: 'completed', resultStatus: 'blocked', result: fields['reason'] ?? null, durationMs: null };
    default:
      return { status: 'completed', resultStatus: 'success', result, durationMs: null };
  }
}

/**
 * Records the tools whose results a prompt brings and that nobody recorded while they ran. When they began and ended
 * is not known: their steps say `observedAfter`, and have no duration (I3, I12).
 */
export function recordAnsweredTools(
  conversation: Conversation,
  resultById: ReadonlyMap<string, unknown>,
  withheld: Withheld,
): void {
  const parentStepId = conversation.step!.recorder.id;
  for (const [callId, tool] of conversation.toolById) {
    if (tool.isRecorded || !resultById.has(callId)) continue;
    tool.isRecorded = true;
    const args = withheld.inputs ? { inputsWithheld: true } : { args: tool.input };
    conversation.run
      .tool({ name: tool.name, callId, ...args, parentStepId, observedAfter: true })
      .finish(toFinish(resultById.get(callId), withheld));
  }
}
