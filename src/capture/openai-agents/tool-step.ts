import type { StepFinish, ToolStart } from '../../core/record/recording.ts';
import { ExactJson } from '../../core/record/recording.ts';
import type { AwaitedCall } from './asked-calls.ts';
import { toEnding } from './span-failure.ts';
import type { Fields, VendorSpan } from './vendor.ts';
import { parseStructure, toText } from './vendor.ts';

/** What the SDK writes as the output of a tool that it called off. */
const calledOff = 'aborted';

/** Arguments as the model wrote them, byte for byte where they are JSON. */
export function toArgs(text: string): unknown {
  return typeof parseStructure(text) === 'string' ? text : new ExactJson(text);
}

/** What a tool step begins with, by the call that a model asked for; without one only its name is known. */
export function toToolStart(name: string, call: AwaitedCall | null): ToolStart {
  if (call === null) return { name };
  return {
    name,
    ...(call.callId === null ? {} : { callId: call.callId }),
    ...(call.isWithheld ? { inputsWithheld: true } : { args: toArgs(call.args) }),
  };
}

/** What a tool step ends with. A failure that the model is told of is an error of the tool all the same. */
export function toolToFinish(span: VendorSpan, isWithheld: boolean): StepFinish {
  const data = span.spanData as unknown as Fields;
  const output = toText(data['output']);
  const ending = toEnding(span.error);
  const words = isWithheld || output === null ? {} : { result: parseStructure(output) };
  const mcp = data['mcp_data'] === undefined ? {} : { metadata: { mcp: data['mcp_data'] } };
  const withheld = isWithheld ? { outputsWithheld: true } : {};
  if (ending.status === 'completed' && output === calledOff) return { ...words, ...mcp, status: 'interrupted' };
  const resultStatus = ending.status === 'completed' ? 'success' : 'error';
  return { ...words, ...withheld, ...mcp, ...ending, resultStatus };
}

/**
 * Calls back when the arguments of a function's span are set, which the SDK does right after it has begun, in the same
 * async flow; the span's data are as they would have been. The function given back stops the waiting.
 */
export function onInput(span: VendorSpan, call: (input: string) => void): () => void {
  const data = span.spanData as unknown as Record<string, unknown>;
  let value = data['input'];
  const settle = (): void => {
    Object.defineProperty(data, 'input', { value, writable: true, enumerable: true, configurable: true });
  };
  Object.defineProperty(data, 'input', {
    enumerable: true,
    configurable: true,
    get: () => value,
    set(next: unknown) {
      value = next;
      settle();
      call(String(next));
    },
  });
  return settle;
}
