import type { StepStart } from '../../../core/record/recording.ts';
import type { Fields } from '../vendor.ts';
import { toFields, toText } from '../vendor.ts';

/** Settings of a call under the names that every provider's are recorded by. */
const optionByParam: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'topP',
  topP: 'topP',
  top_k: 'topK',
  topK: 'topK',
  max_tokens: 'maxOutputTokens',
  maxTokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  max_output_tokens: 'maxOutputTokens',
  maxOutputTokens: 'maxOutputTokens',
  stop: 'stopSequences',
  stop_sequences: 'stopSequences',
  stopSequences: 'stopSequences',
  seed: 'seed',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  tool_choice: 'toolChoice',
  reasoning: 'reasoning',
  reasoning_effort: 'reasoning',
  thinking: 'reasoning',
};

/** Recorded elsewhere, or nothing that the model is asked. */
const setAside = new Set([
  'model',
  'modelName',
  'model_name',
  'tools',
  'functions',
  'stream',
  'stream_options',
  'messages',
]);

const providerByName: Readonly<Record<string, string>> = {
  google_genai: 'google',
  'google-genai': 'google',
  google: 'google',
  google_vertexai: 'google-vertex',
  amazon_bedrock: 'amazon-bedrock',
  mistralai: 'mistral',
};

/** What LangChain tells of a model call that begins. */
export interface ModelCallStart {
  readonly messages: readonly unknown[];
  readonly extra: unknown;
  readonly metadata: unknown;
}

interface Options {
  readonly options: Readonly<Record<string, unknown>>;
  readonly request: unknown;
}

function toOptions(params: Fields): Options {
  const options: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  let request: unknown;
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null || setAside.has(name)) continue;
    const known = optionByParam[name];
    if (known !== undefined) options[known] ??= value;
    else if (name === 'response_format') {
      options['structuredOutput'] = true;
      request = { responseFormat: value };
    } else others[name] = value;
  }
  const count = Object.keys(others).length;
  if (count > 0) Object.assign(options, { providerOptions: others, providerOptionCount: count });
  return { options, request };
}

/** The class of a component, which names it where nobody else does. */
export function classOf(serialized: unknown): string | undefined {
  const id = toFields(serialized)?.['id'];
  return Array.isArray(id) ? toText(id.at(-1)) : undefined;
}

/** The name of a model as its caller asked for it. */
export function modelOf(call: Pick<ModelCallStart, 'extra' | 'metadata'>): string | undefined {
  const params = toFields(toFields(call.extra)?.['invocation_params']);
  return (
    toText(params?.['model']) ?? toText(params?.['model_name']) ?? toText(toFields(call.metadata)?.['ls_model_name'])
  );
}

/** What the recorder is told of a model step that begins. */
export function toModelStart(call: ModelCallStart): StepStart {
  const extra = toFields(call.extra) ?? {};
  const params = toFields(extra['invocation_params']) ?? {};
  const tools = params['tools'] ?? params['functions'] ?? toFields(extra['options'])?.['tools'];
  const name = toText(toFields(call.metadata)?.['ls_provider']);
  const provider = name === undefined ? undefined : (providerByName[name] ?? name);
  const model = modelOf(call);
  const { options, request } = toOptions(params);
  return {
    kind: 'model',
    operation: 'generate',
    messages: call.messages,
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(Array.isArray(tools) && tools.length > 0 ? { tools } : {}),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(request === undefined ? {} : { request }),
  };
}
