import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

/** The JSON schema of a tool's input where it can be had without the SDK's help; otherwise it stays unknown. */
function toInputSchema(given: unknown): unknown {
  const schema = toFields(typeof given === 'function' ? undefined : given);
  const ready = toFields(schema?.['jsonSchema']);
  if (ready !== null && typeof ready['then'] !== 'function') return ready;
  const standard = toFields(toFields(schema?.['~standard'])?.['jsonSchema']);
  if (typeof standard?.['input'] !== 'function') return undefined;
  try {
    return (standard['input'] as (options: object) => unknown)({ target: 'draft-07' });
  } catch {
    // A schema that has no JSON form: the tool is recorded without it.
    return undefined;
  }
}

function toTool(name: string, given: unknown): Fields {
  const { description, inputSchema, type, id, args, providerOptions } = toFields(given) ?? {};
  if (type === 'provider') return { type, name, id, args };
  return { type: 'function', name, description, inputSchema: toInputSchema(inputSchema), providerOptions };
}

const toolsBySet = new WeakMap<object, readonly Fields[]>();

/**
 * The tools of a call as far as the SDK's own tool set tells of them. The same set gives the same objects, so that a
 * schema is named once.
 */
export function toolSetToTools(toolSet: unknown, activeTools: unknown): readonly Fields[] {
  const fields = toFields(toolSet);
  if (fields === null) return [];
  let tools = toolsBySet.get(fields);
  if (tools === undefined) {
    tools = Object.entries(fields).map(([name, given]) => toTool(name, given));
    toolsBySet.set(fields, tools);
  }
  if (!Array.isArray(activeTools)) return tools;
  return tools.filter((tool) => (activeTools as unknown[]).includes(tool['name']));
}
