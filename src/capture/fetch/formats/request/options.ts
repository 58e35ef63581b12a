import type { Fields } from '../fields.ts';
import { toFields } from '../fields.ts';

/** Our names of the options that providers spell differently. */
const optionNames: Readonly<Record<string, string>> = {
  max_tokens: 'maxOutputTokens',
  max_completion_tokens: 'maxOutputTokens',
  max_output_tokens: 'maxOutputTokens',
  maxOutputTokens: 'maxOutputTokens',
  temperature: 'temperature',
  top_p: 'topP',
  topP: 'topP',
  top_k: 'topK',
  topK: 'topK',
  presence_penalty: 'presencePenalty',
  presencePenalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  frequencyPenalty: 'frequencyPenalty',
  stop: 'stopSequences',
  stop_sequences: 'stopSequences',
  stopSequences: 'stopSequences',
  seed: 'seed',
  random_seed: 'seed',
  reasoning: 'reasoning',
  reasoning_effort: 'reasoning',
  thinking: 'reasoning',
  thinkingConfig: 'reasoning',
  tool_choice: 'toolChoice',
  toolConfig: 'toolChoice',
};

/** Options in our names; what has none is kept under `providerOptions`. A response schema goes apart, see `partSchema`. */
export function toOptions(values: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const [key, value] of values) {
    if (value === undefined || value === null) continue;
    const name = optionNames[key];
    if (name === undefined) others[key] = value;
    else options[name] = value;
  }
  if (Object.keys(others).length > 0) options['providerOptions'] = others;
  return options;
}

/** A response format parted into what goes with the options and the schema, which repeats and is a content of its own. */
export function partSchema(format: unknown): { options: Fields; request: unknown } {
  const fields = toFields(format);
  if (fields === null) return { options: {}, request: undefined };
  const isStructured = fields['type'] === 'json_schema' || fields['type'] === 'json_object';
  const { schema: _schema, json_schema: nested, ...rest } = fields;
  const name = toFields(nested)?.['name'];
  const hasSchema = fields['schema'] !== undefined || nested !== undefined;
  return {
    options: {
      responseFormat: { ...rest, ...(name === undefined ? {} : { name }) },
      ...(isStructured ? { structuredOutput: true } : {}),
    },
    request: hasSchema ? { responseFormat: format } : undefined,
  };
}
