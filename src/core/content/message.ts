/*
 * Tolerant reading of messages and outputs: AI SDK, OpenAI chat and responses, Anthropic and Google forms come out as
 * one list of typed parts. Only for showing, searching and summaries; what is stored is the exact text.
 */

/** A typed part of a message or an output, whatever the provider's own form was. Unknown forms are `other`, raw. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'tool-call'; readonly callId: string | null; readonly name: string; readonly args: unknown }
  | {
      readonly type: 'tool-result';
      readonly callId: string | null;
      readonly name: string | null;
      readonly result: unknown;
      readonly isError: boolean;
    }
  | {
      readonly type: 'file';
      readonly mediaType: string | null;
      readonly name: string | null;
      readonly bytes: number | null;
      readonly digest: string | null;
    }
  | { readonly type: 'source'; readonly title: string | null; readonly url: string | null }
  | { readonly type: 'other'; readonly value: unknown };

/** A message with its role (`system`, `user`, `assistant`, `tool`, or the provider's own word) and its parts. */
export interface Message {
  readonly role: string;
  readonly parts: readonly Part[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Arguments that a provider sends as a JSON string, parsed when they are JSON. */
function parseArgs(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

type Reader = (part: Fields, depth: number) => readonly Part[];

const text: Reader = (part) => [{ type: 'text', text: textOf(part['text']) ?? '' }];
const reasoning: Reader = (part) => [
  { type: 'reasoning', text: textOf(part['text']) ?? textOf(part['thinking']) ?? summaryText(part['summary']) },
];
const file: Reader = (part) => {
  const inner = isFields(part['file']) ? part['file'] : isFields(part['source']) ? part['source'] : part;
  const data = isFields(inner['data']) ? inner['data'] : inner;
  const media = part['mediaType'] ?? inner['mediaType'] ?? inner['media_type'] ?? inner['mimeType'];
  return [
    {
      type: 'file',
      mediaType: textOf(media) ?? (part['type'] === 'image' ? 'image/*' : null),
      name: textOf(part['filename'] ?? inner['filename'] ?? inner['file_name']),
      bytes: numberOf(data['bytes']),
      digest: textOf(data['digest']),
    },
  ];
};
const toolCall: Reader = (part) => {
  const fn = isFields(part['function']) ? part['function'] : part;
  const args = fn['input'] ?? fn['args'] ?? fn['arguments'];
  return [
    {
      type: 'tool-call',
      callId: textOf(part['toolCallId'] ?? part['callId'] ?? part['call_id'] ?? part['id']),
      name: textOf(fn['toolName'] ?? fn['name']) ?? '',
      args: parseArgs(args),
    },
  ];
};
const toolResult: Reader = (part) => {
  const output = part['output'] ?? part['result'] ?? part['content'] ?? part['error'];
  const typed = isFields(output) && typeof output['type'] === 'string' && 'value' in output;
  const kind = typed ? String((output as Fields)['type']) : '';
  return [
    {
      type: 'tool-result',
      callId: textOf(part['toolCallId'] ?? part['callId'] ?? part['tool_use_id'] ?? part['call_id']),
      name: textOf(part['toolName'] ?? part['name']),
      result: typed ? (output as Fields)['value'] : parseArgs(output),
      isError:
        part['is_error'] === true ||
        part['isError'] === true ||
        part['type'] === 'tool-error' ||
        kind.startsWith('error'),
    },
  ];
};
const source: Reader = (part) => [{ type: 'source', title: textOf(part['title']), url: textOf(part['url']) }];

const readerByType: ReadonlyMap<string, Reader> = new Map([
  ['text', text],
  ['input_text', text],
  ['output_text', text],
  ['refusal', (part) => [{ type: 'text', text: textOf(part['refusal']) ?? '' }]],
  ['reasoning', reasoning],
  ['thinking', reasoning],
  ['file', file],
  ['image', file],
  ['document', file],
  ['image_url', file],
  ['input_image', file],
  ['input_file', file],
  ['input_audio', file],
  ['tool-call', toolCall],
  ['tool_use', toolCall],
  ['server_tool_use', toolCall],
  ['function', toolCall],
  ['function_call', toolCall],
  ['custom_tool_call', toolCall],
  ['tool-result', toolResult],
  ['tool-error', toolResult],
  ['tool_result', toolResult],
  ['function_call_output', toolResult],
  ['custom_tool_call_output', toolResult],
  ['source', source],
  ['message', (part, depth) => partsAt(part['content'], depth + 1)],
]);

function summaryText(summary: unknown): string {
  if (!Array.isArray(summary)) return textOf(summary) ?? '';
  return summary.map((item) => (isFields(item) ? (textOf(item['text']) ?? '') : '')).join('\n');
}

/** Google's parts carry no `type`; what they are is which field they have. */
function untypedPart(part: Fields): readonly Part[] {
  if (isFields(part['functionCall'])) {
    const call = part['functionCall'];
    return [{ type: 'tool-call', callId: textOf(call['id']), name: textOf(call['name']) ?? '', args: call['args'] }];
  }
  if (isFields(part['functionResponse'])) {
    const answer = part['functionResponse'];
    return [
      {
        type: 'tool-result',
        callId: textOf(answer['id']),
        name: textOf(answer['name']),
        result: answer['response'],
        isError: false,
      },
    ];
  }
  if (isFields(part['inlineData'])) return file({ ...part['inlineData'] }, 0);
  if (isFields(part['fileData'])) return file({ ...part['fileData'] }, 0);
  const words = textOf(part['text']);
  if (words !== null) return [{ type: part['thought'] === true ? 'reasoning' : 'text', text: words }];
  return [{ type: 'other', value: part }];
}

/** No provider nests parts so deep; what does is shown as it is. */
const depthMax = 32;

/** Parts of a content value: a string, a part, or a list of parts, in any of the known forms. Never throws. */
export function toParts(value: unknown): readonly Part[] {
  return partsAt(value, 0);
}

function partsAt(value: unknown, depth: number): readonly Part[] {
  if (value === null || value === undefined || value === '') return [];
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  if (depth > depthMax) return [{ type: 'other', value }];
  if (Array.isArray(value)) return value.flatMap((part) => partsAt(part, depth + 1));
  if (!isFields(value)) return [{ type: 'other', value }];
  const type = textOf(value['type']);
  if (type === null) return untypedPart(value);
  const reader = readerByType.get(type);
  return reader ? reader(value, depth) : [{ type: 'other', value }];
}

const roleByType: ReadonlyMap<string, string> = new Map([
  ['function_call', 'assistant'],
  ['custom_tool_call', 'assistant'],
  ['reasoning', 'assistant'],
  ['function_call_output', 'tool'],
  ['custom_tool_call_output', 'tool'],
]);

/** A message in any of the known forms. A bare string is a user message. Never throws. */
export function toMessage(value: unknown): Message {
  if (typeof value === 'string') return { role: 'user', parts: toParts(value) };
  if (!isFields(value)) return { role: 'other', parts: toParts(value) };
  const type = textOf(value['type']);
  const role = textOf(value['role']) ?? (type === null ? 'other' : (roleByType.get(type) ?? 'other'));
  if (textOf(value['role']) === null) return { role, parts: toParts(value) };
  return { role: role === 'model' ? 'assistant' : role, parts: messageParts(role, value) };
}

function messageParts(role: string, value: Fields): readonly Part[] {
  const parts: Part[] = [];
  const thought = textOf(value['reasoning_content']) ?? textOf(value['reasoning']);
  if (thought !== null) parts.push({ type: 'reasoning', text: thought });
  // OpenAI answers a tool call with a message of its own whose content is the result.
  if (role === 'tool' && textOf(value['tool_call_id']) !== null) {
    parts.push({
      type: 'tool-result',
      callId: textOf(value['tool_call_id']),
      name: textOf(value['name']),
      result: parseArgs(value['content']),
      isError: false,
    });
  } else {
    parts.push(...toParts(value['content'] ?? value['parts']));
  }
  if (Array.isArray(value['tool_calls'])) parts.push(...toParts(value['tool_calls']));
  return parts;
}
