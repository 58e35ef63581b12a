const typeNames = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
const combiners = ['anyOf', 'oneOf', 'allOf', '$ref'];
/** Places in a schema where a value of the described thing can stand. */
const valueWords = ['default', 'const', 'example', 'examples', 'enum', 'value'];

/**
 * True for JSON text of a JSON Schema that describes a value without holding one: a tool's parameter named `password`
 * must stay readable. A schema with a default or an example is none, for that may be the secret.
 */
export function isSchema(text: string): boolean {
  if (text.length > 65_536) return false;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const schema = value as Record<string, unknown>;
  if (valueWords.some((word) => word in schema)) return false;
  if (combiners.some((word) => word in schema)) return true;
  const types = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  return types.every((type) => typeof type === 'string' && typeNames.has(type.toLowerCase()));
}
