import type { StepView } from '../core/model/step.ts';
import type { Comparer, ModelRequest } from './comparison.ts';
import type { RecordedRun } from './recorded-run.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Settings that the record keeps of a call. */
const settings = [
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'stopSequences',
  'seed',
  'reasoning',
] as const;

const cacheNames = new Set(['cacheControl', 'cache_control', 'cachePoint']);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Provider options without cache marks, which wander from call to call; `undefined` when nothing is left. */
function withoutMarks(options: unknown): unknown {
  if (!isFields(options)) return options;
  const rest = Object.entries(options).flatMap(([provider, given]): [string, unknown][] => {
    if (!isFields(given)) return [[provider, given]];
    const kept = Object.entries(given).filter(([name]) => !cacheNames.has(name));
    return kept.length === 0 && Object.keys(given).length > 0 ? [] : [[provider, Object.fromEntries(kept)]];
  });
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

/** A message or tool without its cache marks. Bytes and dates are left as they are. */
function unmark(value: unknown, depth = 0): unknown {
  if (depth > 16) return value;
  if (Array.isArray(value)) return value.map((item) => unmark(item, depth + 1));
  if (!isFields(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'providerOptions'
        ? withoutMarks(item)
        : key === 'content' || key === 'output' || key === 'value'
          ? unmark(item, depth + 1)
          : item,
    ]),
  );
}

/** What says nothing is left out, as the SDK fills it in on one way and not on the other. */
function normalize(options: Fields): Fields {
  const kept = Object.entries(options).filter(([name, value]) => {
    if (value === undefined || value === null) return false;
    if (name === 'providerOptionCount' || name === 'structuredOutput') return false;
    if (name === 'toolChoice' && isFields(value) && value['type'] === 'auto') return false;
    if (name === 'responseFormat' && isFields(value) && value['type'] === 'text') return false;
    if (name === 'reasoning' && value === 'provider-default') return false;
    return !(name === 'providerOptions' && isFields(value) && Object.keys(value).length === 0);
  });
  return Object.fromEntries(kept);
}

/** What a language model is asked now, in the form of its record. */
export function callToRequest(call: Fields, comparer: Comparer): ModelRequest {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
  const options: Record<string, unknown> = {};
  for (const name of [...settings, 'toolChoice', 'responseFormat', 'providerOptions']) options[name] = call[name];
  return {
    messages: list(call['prompt']).map((message) => comparer.live(unmark(message))),
    tools: list(call['tools']).map((tool) => comparer.live(unmark(tool))),
    options: comparer.live(normalize(options)) as Fields,
  };
}

/** What a recorded model step was asked. */
export async function stepToRequest(recorded: RecordedRun, step: StepView, comparer: Comparer): Promise<ModelRequest> {
  const request = await recorded.readText(step.requestId);
  const whole = request === null ? {} : (comparer.recorded(request) as Fields);
  const given = comparer.recorded(JSON.stringify(step.options ?? {})) as Fields;
  // The schema of a structured answer is recorded beside the options.
  const options = 'responseFormat' in whole ? { ...given, responseFormat: whole['responseFormat'] } : given;
  return {
    messages: (await recorded.readPath(step.contextNodeId)).map((text) => comparer.recorded(text)),
    tools: (await recorded.readPath(step.toolsNodeId)).map((text) => comparer.recorded(text)),
    options: normalize(options),
  };
}
