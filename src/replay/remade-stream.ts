import type { StepView } from '../core/model/step.ts';
import { toPieces } from './recorded-answer.ts';

// A long stream is cut at the recorder's limit, while the step keeps what the stream amounted to. For chat completions the
// rest can be made anew from it: not the bytes that came, but the same answer.

type Fields = Readonly<Record<string, unknown>>;

/** The first event of a chat-completions stream; `null` for any other. */
function firstChunk(cut: string): Fields | null {
  const line = /^data: ?(\{.*\})\r?$/m.exec(cut)?.[1];
  if (line === undefined) return null;
  try {
    const chunk = JSON.parse(line) as Fields;
    return chunk['object'] === 'chat.completion.chunk' ? chunk : null;
  } catch {
    // Cut within its first event: nothing is known of it.
    return null;
  }
}

function* partToDeltas(part: Fields, call: { index: number }): Generator<Fields> {
  const text = String(part['text'] ?? '');
  if (part['type'] === 'text') for (const content of toPieces(text)) yield { content };
  else if (part['type'] === 'reasoning') for (const words of toPieces(text)) yield { reasoning_content: words };
  else if (part['type'] === 'tool-call') {
    const { toolCallId: id, toolName: name, input } = part;
    const args = typeof input === 'string' ? input : JSON.stringify(input ?? {});
    yield { tool_calls: [{ index: call.index++, id, type: 'function', function: { name, arguments: args } }] };
  }
}

/**
 * A stream of chat completions that amounts to the recorded answer, with the head of the one that was cut. `null` for
 * streams of other kinds and for answers with parts that such a stream cannot say.
 */
export function remakeStream(cut: string, step: StepView, content: readonly Fields[]): string | null {
  const head = firstChunk(cut);
  const sayable = new Set(['text', 'reasoning', 'tool-call']);
  if (head === null || step.status !== 'completed' || !content.every(({ type }) => sayable.has(String(type))))
    return null;
  const { choices: _choices, usage: _usage, ...rest } = head;
  const events: Fields[] = [];
  const add = (delta: Fields, finish_reason: string | null = null): void =>
    void events.push({ ...rest, choices: [{ index: 0, delta, finish_reason }] });
  add({ role: 'assistant', content: '' });
  const call = { index: 0 };
  for (const part of content) for (const delta of partToDeltas(part, call)) add(delta);
  add({}, step.finishReason?.raw ?? (call.index > 0 ? 'tool_calls' : 'stop'));
  if (step.usageRaw !== null && step.usageRaw !== undefined)
    events.push({ ...rest, choices: [], usage: step.usageRaw });
  return `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`;
}
