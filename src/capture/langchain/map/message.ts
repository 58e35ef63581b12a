import type { Fields, VendorMessage } from '../vendor.ts';
import { isMessage, toFields, toText } from '../vendor.ts';

type Part = Fields;

const roleByType: Readonly<Record<string, string>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  developer: 'system',
  tool: 'tool',
  function: 'tool',
};

function typeOf(message: VendorMessage): string {
  const { type, _getType } = message as VendorMessage & { _getType?: () => string };
  return toText(type) ?? (typeof _getType === 'function' ? String(_getType.call(message)) : '');
}

/** The words of a summary that comes in pieces. */
function summaryText(summary: unknown): string {
  return Array.isArray(summary) ? summary.map((piece) => toText(toFields(piece)?.['text']) ?? '').join('\n') : '';
}

/** Thoughts are called by several names; what signs them is kept beside. */
function thoughtPart(block: Fields): Part {
  const text = block['thinking'] ?? block['reasoning'] ?? block['text'] ?? summaryText(block['summary']);
  const { signature } = block;
  return { type: 'reasoning', text, ...(signature === undefined ? {} : { signature }) };
}

/** Blocks that repeat a tool call which the message names as such. */
const callBlocks = new Set([
  'tool_use',
  'tool_call',
  'function_call',
  'functionCall',
  'tool_call_chunk',
  'input_json_delta',
]);

function blockToPart(block: unknown): Part {
  if (typeof block === 'string') return { type: 'text', text: block };
  const fields = toFields(block) ?? { type: 'other', value: block };
  const { type } = fields;
  if (type === 'thinking' || type === 'reasoning') return thoughtPart(fields);
  if (type === 'text') {
    const { index: _ofStream, ...rest } = fields;
    return rest;
  }
  return fields;
}

function contentParts(content: unknown, hasCalls: boolean): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  const blocks = hasCalls ? content.filter((block) => !callBlocks.has(String(toFields(block)?.['type']))) : content;
  return blocks.map(blockToPart);
}

/** Thoughts that stand beside the content. */
function asideParts(message: VendorMessage): Part[] {
  const aside = message.additional_kwargs ?? {};
  const words = toText(aside['reasoning_content']) ?? toText(summaryText(toFields(aside['reasoning'])?.['summary']));
  return words === undefined ? [] : [{ type: 'reasoning', text: words }];
}

const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map(toFields).filter((fields) => fields !== null) : [];

function callParts(message: Fields): Part[] {
  const calls = listOf(message['tool_calls']).map((call) => ({
    type: 'tool-call',
    toolCallId: call['id'] ?? null,
    toolName: call['name'] ?? '',
    input: call['args'] ?? {},
  }));
  const broken = listOf(message['invalid_tool_calls']).map((call) => ({
    type: 'tool-call',
    toolCallId: call['id'] ?? null,
    toolName: call['name'] ?? '',
    input: call['args'] ?? '',
    invalid: true,
  }));
  return [...calls, ...broken];
}

/** The typed parts of an answer: thoughts, words, tool calls. */
export function messageToParts(message: VendorMessage): readonly Part[] {
  const calls = callParts(message as unknown as Fields);
  return [...asideParts(message), ...contentParts(message.content, calls.length > 0), ...calls];
}

/** What a tool gave back, from the message that carries it to the model. */
export function toolOutputOf(message: VendorMessage): { readonly type: string; readonly value: unknown } {
  const isFailed = toFields(message)?.['status'] === 'error';
  if (typeof message.content === 'string') return { type: isFailed ? 'error-text' : 'text', value: message.content };
  return { type: isFailed ? 'error-json' : 'json', value: message.content };
}

/** A message with its role and typed parts, without what differs from copy to copy of it. */
export function messageToPlain(message: VendorMessage): Fields {
  const type = typeOf(message);
  const given = message as unknown as Fields;
  const name = message.name === undefined ? {} : { name: message.name };
  const role = roleByType[type] ?? toText(given['role']) ?? (type === '' ? 'other' : type);
  if (role === 'tool') {
    const output = toolOutputOf(message);
    const toolName = message.name ?? null;
    return { role, content: [{ type: 'tool-result', toolCallId: given['tool_call_id'] ?? null, toolName, output }] };
  }
  return { role, ...name, content: messageToParts(message) };
}

/** Deeper values are taken as they are. */
const depthMax = 4;

/** A value of the user's in which messages and documents stand as what they say; everything else is as it was. */
export function toPlain(value: unknown, depth = 0): unknown {
  if (isMessage(value)) return messageToPlain(value);
  if (typeof value !== 'object' || value === null || depth > depthMax) return value;
  if (Array.isArray(value)) return value.map((item) => toPlain(item, depth + 1));
  const { lg_name: name } = value as Fields;
  const shape = Object.getPrototypeOf(value) as unknown;
  if (shape !== Object.prototype && shape !== null && name === undefined) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item, depth + 1)]));
}
