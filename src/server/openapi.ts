import { z } from 'zod';
import type { Fields, Route } from './route.ts';

type Json = Record<string, unknown>;

const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    field: z.string().nullable(),
  })
  .meta({ id: 'Problem' });

/** JSON Schema of a declared value; named shapes go into `components`. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', components: Json): unknown {
  const { $schema, $defs, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  for (const [name, shape] of Object.entries(($defs as Json | undefined) ?? {})) components[name] = shape;
  const { id } = root;
  if (typeof id === 'string' && /^[A-Z]\w+$/.test(id)) {
    components[id] = root;
    return { $ref: `#/components/schemas/${id}` };
  }
  return root;
}

/** A field's schema as its text form is meant: the pattern of a number and the words of a flag go without saying. */
function toFieldSchema(field: z.ZodType): Json {
  const { $schema, description, ...schema } = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as Json;
  if (schema['type'] === 'integer') delete schema['pattern'];
  if (schema['type'] === 'boolean') delete schema['enum'];
  return { schema, ...(description === undefined ? {} : { description }) };
}

function toParameters(fields: Fields | undefined, place: 'path' | 'query'): Json[] {
  return Object.entries(fields?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !(field instanceof z.ZodOptional),
    ...toFieldSchema(field as z.ZodType),
  }));
}

function toAnswer(route: Route, components: Json): Json {
  if (route.status === 204) return { description: 'Done.' };
  if (typeof route.answer === 'string') return { description: 'The answer.', content: { [route.answer]: {} } };
  const content: Json = { 'application/json': { schema: toSchema(route.answer, 'output', components) } };
  if (route.streams === true) content['text/event-stream'] = {};
  return { description: 'The answer.', content };
}

function toRequestBody(route: Route, components: Json): Json {
  const content: Json = {};
  if (route.body !== undefined) content['application/json'] = { schema: toSchema(route.body, 'input', components) };
  if (route.bytes !== undefined) content[route.bytes.mediaType] = {};
  return Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } };
}

function toOperation(route: Route, components: Json): Json {
  const parameters = [...toParameters(route.params, 'path'), ...toParameters(route.query, 'query')];
  const problem = {
    description: 'A problem.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    summary: route.summary,
    parameters,
    ...toRequestBody(route, components),
    responses: { [String(route.status ?? 200)]: toAnswer(route, components), default: problem },
  };
}

/** `#/$defs/X` inside a shape means the component X once the shapes stand side by side. */
function relink(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relink);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', '#/components/schemas/') : relink(inner),
    ]),
  );
}

/** The OpenAPI 3.1 description of the routes, from the schemas that validate them. */
export function describeApi(routes: readonly Route[], version: string): Json {
  const components: Json = {};
  toSchema(problemSchema, 'output', components);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] = toOperation(route, components);
  }
  const sorted = Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));
  return relink({
    openapi: '3.1.0',
    info: {
      title: 'Tachograph',
      version,
      description: 'Reads the record of AI agents: runs, steps, attempts, events.',
    },
    paths,
    components: { schemas: sorted },
  }) as Json;
}
