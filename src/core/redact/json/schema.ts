const typeNames = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const combiners = ['anyOf', 'oneOf', 'allOf', '$ref'];
/** Places in a schema where a value of the described thing can stand. */
const valueWords = ['default', 'const', 'example', 'examples', 'enum', 'value'];
/** In a property of its own name the values that it may have say what it is. */
const propertyValueWords = valueWords.filter((word) => word !== 'enum');
/** Places where schemas stand: alone or in a list, and by the names of what they describe. */
const schemaWords = new Set(
  'anyOf oneOf allOf not if then else items prefixItems contains additionalItems additionalProperties unevaluatedItems unevaluatedProperties propertyNames'.split(
    ' ',
  ),
);
const schemaMapWords = new Set('properties patternProperties dependentSchemas $defs definitions'.split(' '));
const depthMax = 16;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** True when a schema, or one inside it, gives a value of what it describes. Too deep ones count as giving one. */
function givesValue(schema: unknown, words: readonly string[], depth: number): boolean {
  if (Array.isArray(schema)) return schema.some((each) => givesValue(each, words, depth + 1));
  if (!isObject(schema)) return false;
  if (depth > depthMax) return true;
  return Object.entries(schema).some(([word, value]) => {
    if (words.includes(word)) return depth === 0 || (typeof value !== 'boolean' && value !== null);
    if (schemaWords.has(word)) return givesValue(value, words, depth + 1);
    if (!schemaMapWords.has(word) || !isObject(value)) return false;
    const inside = word === 'properties' || word === 'patternProperties' ? propertyValueWords : words;
    return Object.values(value).some((each) => givesValue(each, inside, depth + 1));
  });
}

/**
 * True for JSON text of a JSON Schema that describes a value without holding one: a tool's parameter named `password`
 * must stay readable. A schema with a default or an example at any depth is none, for that may be the secret.
 */
export function isSchema(text: string): boolean {
  if (text.length > 65_536) return false;
  const schema: unknown = JSON.parse(text);
  if (!isObject(schema) || givesValue(schema, valueWords, 0)) return false;
  if (combiners.some((word) => word in schema)) return true;
  const types = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  return types.every((type) => typeof type === 'string' && typeNames.has(type.toLowerCase()));
}
