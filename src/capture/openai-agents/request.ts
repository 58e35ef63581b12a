import type { StepStart } from '../../core/record/recording.ts';
import type { Fields, ModelRequest } from './vendor.ts';
import { toFields, toFieldsList, toText } from './vendor.ts';

const told = new WeakMap<object, unknown>();

/** What a tool answered: words stand bare, all else as it is. */
function toOutput(output: unknown): unknown {
  const fields = toFields(output);
  return fields?.['type'] === 'text' ? (toText(fields['text']) ?? '') : output;
}

function rewrite(item: Fields): unknown {
  if (item['type'] === 'function_call_result') {
    const { callId, output, type: _type, ...rest } = item;
    return { type: 'function_call_output', call_id: callId, output: toOutput(output), ...rest };
  }
  if (item['type'] === 'reasoning' && item['summary'] === undefined) return { ...item, summary: item['content'] ?? [] };
  return item;
}

/** An item of a conversation; the SDK's own words for tool results and reasoning become those of the wire. */
function toMessage(item: unknown): unknown {
  const fields = toFields(item);
  if (fields === null) return item;
  let message = told.get(fields);
  if (message === undefined) told.set(fields, (message = rewrite(fields)));
  return message;
}

/** The messages of a request: its instructions, then the conversation. */
export function toMessages(instructions: string | undefined, input: unknown): readonly unknown[] {
  const system = toText(instructions) === null ? [] : [{ role: 'system', content: instructions }];
  const said = Array.isArray(input)
    ? input.map(toMessage)
    : toText(input) === null
      ? []
      : [{ role: 'user', content: input }];
  return [...system, ...said];
}

function toTools({ tools, handoffs }: ModelRequest): readonly unknown[] {
  const transfers = toFieldsList(handoffs).map((handoff) => ({
    type: 'function',
    name: handoff['toolName'],
    description: handoff['toolDescription'],
    parameters: handoff['inputJsonSchema'],
    strict: handoff['strictJsonSchema'],
  }));
  return [...(Array.isArray(tools) ? (tools as readonly unknown[]) : []), ...transfers];
}

/** The recorder's word for a setting where it has one; every other setting keeps its name. */
const nameBySetting: Readonly<Record<string, string>> = {
  maxTokens: 'maxOutputTokens',
  providerData: 'providerOptions',
};

/** Settings of the SDK itself, of which the model is told nothing: functions, and how answers are handed on. */
const ownSettings: ReadonlySet<string> = new Set(['retry', 'preserveRawUsage']);

function toOptions(request: ModelRequest): Readonly<Record<string, unknown>> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request.modelSettings ?? {}))
    if (value !== undefined && value !== null && !ownSettings.has(name)) options[nameBySetting[name] ?? name] = value;
  if (toFields(request.outputType) !== null) options['responseFormat'] = request.outputType;
  for (const name of ['previousResponseId', 'conversationId', 'prompt'] as const)
    if (request[name] !== undefined) options[name] = request[name];
  return options;
}

/** What is told of a model call that begins. With `enabled_without_data` its words are withheld. */
export function requestToStart(request: ModelRequest): Partial<StepStart> {
  if (request.tracing === 'enabled_without_data') return { inputsWithheld: true };
  const tools = toTools(request);
  const options = toOptions(request);
  return {
    messages: toMessages(request.systemInstructions, request.input),
    ...(tools.length === 0 ? {} : { tools }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}
