import type { Fields } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

/** A JSON-RPC error as an error: its words and its code. */
export function toRpcError(error: Fields): Error {
  const message = toText(error['message']) ?? 'an error without a message';
  return Object.assign(named('McpError', message), { code: error['code'] });
}

/** The words of a tool result that says `isError`: its text parts, joined. */
export function toToolError(result: Fields): Error {
  const { content } = result;
  const parts = Array.isArray(content) ? (content as unknown[]) : [];
  const words = parts.flatMap((part) => toText(toFields(part)?.['text']) ?? []);
  return named('ToolError', words.length === 0 ? 'The tool answered with an error.' : words.join('\n'));
}

/** A request that its own side gave up, after a deadline or by an abort; `reason` is what was told of it. */
export function toCancelled(reason: unknown): unknown {
  if (reason instanceof Error) return reason;
  return named('Cancelled', toText(reason) ?? 'The request was cancelled.');
}

/** A request whose connection ended before its answer. */
export function toClosed(): Error {
  return named('ConnectionClosed', 'The connection closed before the answer came.');
}

/** The same failure without its words, for calls of which they are withheld. */
export function withoutWords(error: unknown): Error {
  const fields = toFields(error) ?? {};
  return Object.assign(named(toText(fields['name']) ?? 'Error', 'withheld'), { code: fields['code'] });
}
