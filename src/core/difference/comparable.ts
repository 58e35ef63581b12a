import { sha256Hex } from '../digest.ts';
import { placeholderOpening } from '../redact/placeholder.ts';

const digits = /(\[REDACTED:[a-z0-9-]{1,40}):[0-9a-f]{8}\]/g;

/**
 * A recorded text as it is compared with one of another machine: placeholders without their digits, which are a digest
 * under the project's key.
 */
export function maskPlaceholders(text: string): string {
  return text.includes(placeholderOpening) ? text.replace(digits, '$1]') : text;
}

const shortString = /"([^"\\]{1,128})"/g;

/** A text in which ids of tool calls, which providers make anew each time, are named by their place in the run. */
export function renameCalls(text: string, nameByCallId: ReadonlyMap<string, string>): string {
  if (nameByCallId.size === 0) return text;
  return text.replace(shortString, (whole, word: string) => {
    const name = nameByCallId.get(word);
    return name === undefined ? whole : `"${name}"`;
  });
}

/** Names for the ids of tool calls by the order of their steps. */
export function nameCalls(steps: readonly { readonly callId: string | null }[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { callId } of steps)
    if (callId !== null && !names.has(callId)) names.set(callId, `call ${names.size + 1}`);
  return names;
}

/** What a text is known by in comparisons: equal for texts that differ in call ids and placeholder digits only. */
export function textToKey(text: string, nameByCallId: ReadonlyMap<string, string>): string {
  return sha256Hex(renameCalls(maskPlaceholders(text), nameByCallId));
}
