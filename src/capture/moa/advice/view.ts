import type { Message, Part } from '../vendor.ts';
import { partsOf, toFields, toText } from '../vendor.ts';
import { foldText } from './fold.ts';

/** One message of the view that a reference gets: words only. */
export interface ViewMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

/** What a reference is told it is for, unless the caller has words of its own. */
export const referenceInstruction =
  'You advise another model, which will act. Read the conversation and say what you would answer or do next, and why. ' +
  'You have no tools: name the tool calls you would make. Be brief and concrete; point out mistakes and risks.';

/** What a view ends on when the conversation does not end on a user turn. */
export const closingRequest = 'What do you advise to answer or do next?';

function valueToText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // A value that refuses to be written down cannot be shown to anybody.
    return '[unreadable]';
  }
}

/** Words of a tool's result: of its value, or of the parts that it consists of. */
function resultToText(output: unknown): string {
  const fields = toFields(output);
  const value = fields?.['value'] ?? fields?.['reason'] ?? (fields?.['type'] === undefined ? output : '');
  if (!Array.isArray(value) || fields?.['type'] !== 'content') return valueToText(value);
  return (value as readonly unknown[])
    .map((part) => toText(toFields(part)?.['text']) ?? `[${String(toFields(part)?.['type'] ?? 'part')}]`)
    .join('\n');
}

function partToText(part: Part, toolResultBudget: number): string | null {
  switch (part.type) {
    case 'text':
      return toText(part['text']);
    case 'file':
    case 'image':
      return `[file: ${toText(part['filename']) ?? toText(part['mediaType']) ?? 'unnamed'}]`;
    case 'tool-call':
      return `[tool call: ${String(part['toolName'])} ${valueToText(part['input'])}]`;
    case 'tool-result':
      return `[tool result: ${String(part['toolName'])}]\n${foldText(resultToText(part['output']), toolResultBudget)}`;
    default:
      // Reasoning is its model's own, and an approval says nothing that its result does not.
      return null;
  }
}

/** Neighbours of one role become one message: some providers take no two in a row. */
function mergeNeighbours(messages: readonly ViewMessage[]): ViewMessage[] {
  const merged: ViewMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === message.role) merged[merged.length - 1] = { ...last, text: `${last.text}\n\n${message.text}` };
    else merged.push(message);
  }
  return merged;
}

/**
 * What a reference sees of a conversation: no system prompt, tool calls and results as words, results folded, files by
 * name. It begins and ends on a user turn.
 */
export function promptToView(prompt: readonly Message[], toolResultBudget: number): readonly ViewMessage[] {
  const said = prompt
    .filter(({ role }) => role !== 'system')
    .map((message): ViewMessage => {
      const texts = partsOf(message).map((part) => partToText(part, toolResultBudget));
      const text = texts.filter((one) => one !== null).join('\n');
      return { role: message.role === 'assistant' ? 'assistant' : 'user', text };
    })
    .filter(({ text }) => text.trim() !== '');
  return closeView(mergeNeighbours(said));
}

/** Gives a view the user turns that it has to begin and end on. */
export function closeView(view: readonly ViewMessage[]): readonly ViewMessage[] {
  const asked: ViewMessage = { role: 'user', text: closingRequest };
  const begun: readonly ViewMessage[] =
    view[0]?.role === 'assistant' ? [{ role: 'user', text: '[earlier messages left out]' }, ...view] : view;
  return begun.at(-1)?.role === 'user' ? begun : [...begun, asked];
}

/** The view as the messages of a call. */
export function viewToPrompt(view: readonly ViewMessage[], instruction: string): readonly Message[] {
  return [
    { role: 'system', content: instruction },
    ...view.map(({ role, text }): Message => ({ role, content: [{ type: 'text', text }] })),
  ];
}
