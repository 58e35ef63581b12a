import type { StepView } from '../core/model/step.ts';
import { toPieces } from './recorded-answer.ts';

// A long stream is cut at the recorder's limit, while the step keeps what the stream amounted to. The rest can be made
// anew from it: not the bytes that came, but the same answer. Where a stream is a row of numbered blocks, what was kept
// whole of it is given again as it came, ids and signatures included; this file has what is common, and the formats whose
// streams are a row of words.

/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** One event of a stream, as it came and as its JSON. */
export interface StreamEvent {
  readonly raw: string;
  readonly data: Fields;
}

/** What a cut stream is made anew of. */
export interface CutStream {
  readonly cut: string;
  readonly step: StepView;
  /** What the stream amounted to. */
  readonly content: readonly Fields[];
  /** Every object in the requests that followed: where a program sent the answer back, its ids and signatures are. */
  readonly sentBack: readonly Fields[];
}

/** Every object inside a JSON value, outermost first. */
export function listObjects(value: unknown): readonly Fields[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(listObjects);
  return Array.isArray(value) ? inside : [value as Fields, ...inside];
}

/** The value as an object; an empty one for whatever is none. */
export function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** The whole events of a cut stream, comments among them without data. Ends before the first that is broken. */
export function cutToEvents(cut: string): readonly StreamEvent[] {
  const events: StreamEvent[] = [];
  for (const raw of cut.split(/(?<=\n\n|\r\n\r\n)/)) {
    if (!/\n\r?\n$/.test(raw)) return events;
    const line = /^data: ?(\{.*\})\r?$/m.exec(raw)?.[1];
    try {
      events.push({ raw, data: line === undefined ? {} : (JSON.parse(line) as Fields) });
    } catch {
      // No stream of these formats has such an event: what follows is not known either.
      return events;
    }
  }
  return events;
}

/** The first event with this field; `null` when there is none. */
export function firstWith(events: readonly StreamEvent[], field: string): Fields | null {
  return events.find(({ data }) => field in data)?.data ?? null;
}

/** An event with its name, as Anthropic and the responses of OpenAI send it. */
export function namedEvent(data: Fields): string {
  return `event: ${String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A block of a cut stream, as far as it came. */
export interface Block {
  readonly kind: 'text' | 'reasoning' | 'tool-call' | 'other';
  text: string;
  readonly id: string | null;
  isDone: boolean;
}

function isOf(part: Fields, { kind, text, id, isDone }: Block): boolean {
  if (part['type'] !== kind) return false;
  if (kind === 'tool-call') return part['toolCallId'] === id;
  const whole = String(part['text'] ?? '');
  return isDone ? whole === text : whole.startsWith(text);
}

/** Where in an answer that begins which a cut stream did not bring whole; `null` when that cannot be told. */
export function findRest(content: readonly Fields[], blocks: readonly Block[]): number | null {
  let from = 0;
  for (const [index, block] of blocks.entries()) {
    const at = content.findIndex((part, place) => place >= from && isOf(part, block));
    // Of what is known whole only the last tells the place: the record leaves out blocks without words.
    if (at === -1 && block.isDone && index < blocks.length - 1) continue;
    if (at === -1) return null;
    from = block.isDone ? at + 1 : at;
  }
  return from;
}

/** What a provider said of a part beside its words, whatever name the provider goes by. */
export function detailOf(part: Fields, name: string): unknown {
  const known = Object.values(toFields(part['providerMetadata'])).map((details) => toFields(details)[name]);
  return known.find((value) => value !== undefined && value !== null);
}

/** The arguments of a tool call as text. */
export function argumentsOf({ input }: Fields): string {
  return typeof input === 'string' ? input : JSON.stringify(input ?? {});
}

/** True when the answer is whole and has no part but words and calls of the caller's own tools. */
export function isSayable(step: StepView, content: readonly Fields[]): boolean {
  const sayable = new Set(['text', 'reasoning', 'tool-call']);
  return (
    step.status === 'completed' &&
    content.every(({ type, providerExecuted }) => sayable.has(String(type)) && providerExecuted !== true)
  );
}

function* partToDeltas(part: Fields, call: { index: number }): Generator<Fields> {
  const text = String(part['text'] ?? '');
  if (part['type'] === 'text') for (const content of toPieces(text)) yield { content };
  else if (part['type'] === 'reasoning') for (const words of toPieces(text)) yield { reasoning_content: words };
  else {
    const { toolCallId: id, toolName: name } = part;
    const function_ = { name, arguments: argumentsOf(part) };
    yield { tool_calls: [{ index: call.index++, id, type: 'function', function: function_ }] };
  }
}

/** A stream of chat completions with the head of the one that was cut; `null` for any other, or an answer it cannot say. */
export function remakeChat({ cut, step, content }: CutStream): string | null {
  const head = firstWith(cutToEvents(cut), 'object');
  if (head?.['object'] !== 'chat.completion.chunk' || !isSayable(step, content)) return null;
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

/** The signature of a part, as it was recorded or as the program sent it back. */
function signatureOf(part: Fields, sentBack: readonly Fields[]): unknown {
  const isSame = (sent: Fields): boolean => {
    const { name, args } = toFields(sent['functionCall']);
    if (part['type'] !== 'tool-call') return sent['text'] === part['text'];
    return name === part['toolName'] && JSON.stringify(args) === argumentsOf(part);
  };
  const isSigned = ({ thoughtSignature }: Fields): boolean => thoughtSignature !== undefined;
  return (
    detailOf(part, 'thoughtSignature') ?? sentBack.find((sent) => isSigned(sent) && isSame(sent))?.['thoughtSignature']
  );
}

function* partToGoogle(part: Fields, sentBack: readonly Fields[]): Generator<Fields> {
  const signature = signatureOf(part, sentBack);
  const signed = signature === undefined ? {} : { thoughtSignature: signature };
  if (part['type'] === 'tool-call') {
    const { toolCallId: id, toolName: name } = part;
    const args = JSON.parse(argumentsOf(part)) as unknown;
    yield { functionCall: { ...(typeof id === 'string' ? { id } : {}), name, args }, ...signed };
    return;
  }
  const thought = part['type'] === 'reasoning' ? { thought: true } : {};
  const pieces = toPieces(String(part['text'] ?? ''));
  for (const [at, text] of pieces.entries()) yield { text, ...thought, ...(at === pieces.length - 1 ? signed : {}) };
}

/** A stream of Google's generateContent with the head of the one that was cut; `null` as for chat completions. */
export function remakeGoogle({ cut, step, content, sentBack }: CutStream): string | null {
  const head = firstWith(cutToEvents(cut), 'candidates');
  if (head === null || !Array.isArray(head['candidates']) || !isSayable(step, content)) return null;
  const { candidates: _candidates, usageMetadata: _usage, ...rest } = head;
  const chunks = content.flatMap((part) => [...partToGoogle(part, sentBack)]);
  const events = chunks.map((part) => ({
    candidates: [{ content: { parts: [part], role: 'model' }, index: 0 }],
    ...rest,
  }));
  const finishReason = step.finishReason?.raw ?? 'STOP';
  const last = {
    candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason, index: 0 }],
    ...(step.usageRaw === null || step.usageRaw === undefined ? {} : { usageMetadata: step.usageRaw }),
    ...rest,
  };
  return [...events, last].map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join('');
}
