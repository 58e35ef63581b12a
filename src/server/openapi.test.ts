import { expect, test } from 'vitest';
import { createStage } from '../../test/server/stage.ts';
import { describeApi } from './openapi.ts';
import { routes } from './routes/index.ts';

interface Described {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { parameters: { name: string; schema: object }[]; responses: object }>>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const described = describeApi(routes, '1.0.0') as unknown as Described;

test('every route is described, with its parameters', () => {
  for (const route of routes) {
    const operation = described.paths[route.path]?.[route.method.toLowerCase()];
    const names = [...Object.keys(route.params?.shape ?? {}), ...Object.keys(route.query?.shape ?? {})];
    expect(operation?.parameters.map(({ name }) => name)).toEqual(names);
    for (const match of route.path.matchAll(/\{(\w+)\}/g)) expect(names).toContain(match[1]);
  }
});

test('every reference leads to a shape', () => {
  const references = [...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!);
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1];
    expect([reference, name !== undefined && Object.hasOwn(described.components.schemas, name)]).toEqual([
      reference,
      true,
    ]);
  }
});

test('numbers and flags are described as such', () => {
  const { parameters } = described.paths['/api/v1/runs']!['get']!;
  const schemaOf = (name: string): object | undefined =>
    parameters.find((parameter) => parameter.name === name)?.schema;
  expect(schemaOf('limit')).toEqual({ type: 'integer' });
  expect(schemaOf('nested')).toEqual({ type: 'boolean' });
  expect(schemaOf('status')).toMatchObject({ type: 'array', items: { enum: expect.arrayContaining(['running']) } });
});

test('is served', async () => {
  const stage = await createStage({ version: '3.2.1' });
  expect(await stage.json('/api/openapi.json')).toMatchObject({ openapi: '3.1.0', info: { version: '3.2.1' } });
});
