import type { ContextMark } from '../../../core/model/step.ts';
import type { CallSettings, Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

const settingNames = [
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'stopSequences',
  'seed',
  'reasoning',
] as const satisfies readonly (keyof CallSettings)[];

/** What a step asked for besides messages and tools. */
export interface AskedOptions {
  readonly settings: CallSettings;
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  readonly providerOptions?: unknown;
  readonly isStructured?: boolean;
}

/** True for an object with at least one key. */
function isFilled(value: unknown): boolean {
  const fields = toFields(value);
  return fields !== null && Object.keys(fields).length > 0;
}

/** How many options were given to providers, all of them together. */
function countOptions(value: unknown): number {
  const ofProviders = Object.values(toFields(value) ?? {}).map(toFields);
  return ofProviders.reduce((count, options) => count + (options === null ? 1 : Object.keys(options).length), 0);
}

/**
 * The options of a step. A response schema is left out here: it repeats from step to step and is recorded as a
 * content, see `toRequest`.
 */
export function toOptions(asked: AskedOptions): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of settingNames) if (asked.settings[name] !== undefined) options[name] = asked.settings[name];
  if (asked.toolChoice !== undefined) options['toolChoice'] = asked.toolChoice;
  const format = toFields(asked.responseFormat);
  if (format !== null) {
    const { schema: _schema, ...rest } = format;
    options['responseFormat'] = rest;
  }
  if (isFilled(asked.providerOptions)) {
    options['providerOptions'] = asked.providerOptions;
    options['providerOptionCount'] = countOptions(asked.providerOptions);
  }
  if (asked.isStructured === true || format?.['type'] === 'json') options['structuredOutput'] = true;
  return options;
}

/** The part of a request that is stored as a content of its own: the schema of a structured answer. */
export function toRequest(responseFormat: unknown): { responseFormat: unknown } | undefined {
  return toFields(responseFormat)?.['schema'] === undefined ? undefined : { responseFormat };
}

/** Names under which providers take cache marks, inside `providerOptions.<provider>`. */
const cacheNames = ['cacheControl', 'cache_control', 'cachePoint'];

interface Parted {
  readonly rest: Fields | undefined;
  readonly marks: Record<string, unknown>;
}

/** Parts provider options into cache marks and the rest; `null` when there is no mark in them. */
function partOptions(value: unknown): Parted | null {
  const options = toFields(value);
  if (options === null) return null;
  const rest: Record<string, unknown> = {};
  const marks: Record<string, unknown> = {};
  for (const [provider, given] of Object.entries(options)) {
    const fields = toFields(given);
    const name = fields === null ? undefined : cacheNames.find((cacheName) => fields[cacheName] !== undefined);
    if (fields === null || name === undefined) {
      rest[provider] = given;
      continue;
    }
    const { [name]: mark, ...others } = fields;
    marks[provider] = { [name]: mark };
    if (Object.keys(others).length > 0) rest[provider] = others;
  }
  if (Object.keys(marks).length === 0) return null;
  return { rest: Object.keys(rest).length > 0 ? rest : undefined, marks };
}

function withOptions(value: Fields, rest: Fields | undefined): Fields {
  const { providerOptions: _replaced, ...others } = value;
  return rest === undefined ? others : { ...others, providerOptions: rest };
}

interface Unmarked {
  readonly message: unknown;
  readonly mark: Record<string, unknown> | null;
}

/** Parts a list into its parts without marks and the marks by place; `null` when there is no mark in it. */
function unmarkList(list: readonly unknown[]): { rest: readonly unknown[]; marks: Record<string, unknown> } | null {
  const marks: Record<string, unknown> = {};
  const rest = list.map((part, index) => {
    const own = partOptions(toFields(part)?.['providerOptions']);
    const bare = own === null ? part : withOptions(part as Fields, own.rest);
    if (own !== null) marks[index] = own.marks;
    return unmarkOutput(bare, (inner) => void (marks[index] = { ...toFields(marks[index]), output: inner }));
  });
  return Object.keys(marks).length === 0 ? null : { rest, marks };
}

/** The result of a tool may carry marks of its own, on itself and on the parts of its value. */
function unmarkOutput(part: unknown, tell: (marks: Record<string, unknown>) => void): unknown {
  const output = toFields(toFields(part)?.['output']);
  if (output === null) return part;
  const own = partOptions(output['providerOptions']);
  const value = Array.isArray(output['value']) ? unmarkList(output['value'] as unknown[]) : null;
  if (own === null && value === null) return part;
  tell({ ...(own === null ? {} : { result: own.marks }), ...(value === null ? {} : { parts: value.marks }) });
  const bare = own === null ? output : withOptions(output, own.rest);
  return { ...(part as Fields), output: value === null ? bare : { ...bare, value: value.rest } };
}

function unmark(message: unknown): Unmarked {
  const fields = toFields(message);
  if (fields === null) return { message, mark: null };
  const own = partOptions(fields['providerOptions']);
  const mark: Record<string, unknown> = own === null ? {} : { message: own.marks };
  let changed = own === null ? fields : withOptions(fields, own.rest);
  const content = Array.isArray(fields['content']) ? unmarkList(fields['content'] as unknown[]) : null;
  if (content !== null) {
    mark['parts'] = content.marks;
    changed = { ...changed, content: content.rest };
  }
  return Object.keys(mark).length === 0 ? { message, mark: null } : { message: changed, mark };
}

/**
 * Takes the cache marks off the messages: a mark that wanders to the newest message at every step would otherwise
 * make new contents of old ones. Messages without a mark come back as they are.
 */
export function partMarks(messages: readonly unknown[]): {
  messages: readonly unknown[];
  marks: readonly ContextMark[];
} {
  const marks: ContextMark[] = [];
  const bare = messages.map((message, index) => {
    const parted = unmark(message);
    if (parted.mark !== null) marks.push({ index, value: parted.mark });
    return parted.message;
  });
  return { messages: marks.length === 0 ? messages : bare, marks };
}

/** Takes the cache marks off the tools, which wander as messages' do; their places are in `marks`. */
export function partToolMarks(tools: readonly unknown[]): {
  tools: readonly unknown[];
  marks: readonly ContextMark[];
} {
  const marks: ContextMark[] = [];
  const bare = tools.map((tool, index) => {
    const own = partOptions(toFields(tool)?.['providerOptions']);
    if (own === null) return tool;
    marks.push({ index, value: own.marks });
    return withOptions(tool as Fields, own.rest);
  });
  return { tools: marks.length === 0 ? tools : bare, marks };
}

/** Instructions and messages as one list, for calls of which the provider's form is not told. */
export function joinPrompt(instructions: unknown, messages: unknown): readonly unknown[] {
  const list: unknown[] = [];
  if (typeof instructions === 'string') list.push({ role: 'system', content: instructions });
  else if (Array.isArray(instructions)) list.push(...(instructions as unknown[]));
  else if (instructions !== undefined && instructions !== null) list.push(instructions);
  if (Array.isArray(messages)) list.push(...(messages as unknown[]));
  return list;
}

/** The family of a provider: `openai` of `openai.responses`. */
export function toProvider(sdkProvider: string | undefined): string | undefined {
  return sdkProvider?.split('.')[0];
}
