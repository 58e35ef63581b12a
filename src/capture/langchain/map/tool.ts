import type { Fields } from '../vendor.ts';
import { isMessage, toFields, toText } from '../vendor.ts';
import { toolOutputOf, toPlain } from './message.ts';
import { classOf } from './request.ts';

/** Arguments of a tool. LangChain hands on some as the text of their JSON. */
export function toToolArgs(input: unknown): unknown {
  if (typeof input !== 'string' || !/^\s*[{[]/.test(input)) return input;
  try {
    return JSON.parse(input) as unknown;
  } catch {
    // A text that only begins like JSON is the argument itself.
    return input;
  }
}

/** The name of a tool, as the model knows it where LangChain tells it. */
export function toToolName(name: unknown, serialized: unknown): string {
  return toText(name) ?? toText(toFields(toFields(serialized)?.['kwargs'])?.['name']) ?? classOf(serialized) ?? 'tool';
}

/** What a tool gave back: the content of the message that carries it, with an artifact where there is one. */
export function toToolResult(output: unknown): { readonly result: unknown; readonly isFailed: boolean } {
  if (!isMessage(output)) return { result: toPlain(output) ?? null, isFailed: false };
  const { artifact, status } = output as unknown as Fields;
  const { value } = toolOutputOf(output);
  const result = artifact === undefined ? value : { content: value, artifact };
  return { result, isFailed: status === 'error' };
}
