import { beforeAll, expect, test } from 'vitest';
import { recordScenario } from '../../../test/server/scenario.ts';
import type { Scenario } from '../../../test/server/scenario.ts';
import type { Stage } from '../../../test/server/stage.ts';
import { createStage } from '../../../test/server/stage.ts';
import type { Annotation, Problem } from '../wire.ts';

let stage: Stage;
let scene: Scenario;

beforeAll(async () => {
  stage = await createStage();
  scene = await recordScenario(stage);
});

const path = (id = ''): string => `/api/v1/runs/${scene.runId}/annotations${id === '' ? '' : `/${id}`}`;

function send(
  method: string,
  place: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return stage.handler(
    new Request(`http://localhost${place}`, {
      method,
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
    }),
  );
}

test('are added, replaced, listed and removed', async () => {
  const added = await send('POST', path(), { kind: 'note', value: 'look here', author: 'ada' });
  expect(added.status).toBe(201);
  const note = (await added.json()) as Annotation;
  expect(note).toMatchObject({
    runId: scene.runId,
    kind: 'note',
    value: 'look here',
    author: 'ada',
    stepId: null,
    name: null,
  });
  const replaced = await send('PUT', path(note.id), { kind: 'score', name: 'quality', value: 0.5 });
  expect(await replaced.json()).toMatchObject({
    id: note.id,
    kind: 'score',
    value: 0.5,
    createdAtMs: note.createdAtMs,
  });
  expect((await stage.json<Annotation[]>(path())).map(({ id, kind }) => [id, kind])).toEqual([[note.id, 'score']]);
  const remove = (): Promise<Response> =>
    stage.handler(new Request(`http://localhost${path(note.id)}`, { method: 'DELETE' }));
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(404);
  expect(await stage.json(path())).toEqual([]);
});

test('of another run are not removed through this one', async () => {
  const other = (await (
    await send('POST', `/api/v1/runs/${scene.childId}/annotations`, { kind: 'pin' })
  ).json()) as Annotation;
  const response = await stage.handler(new Request(`http://localhost${path(other.id)}`, { method: 'DELETE' }));
  expect(response.status).toBe(404);
  expect(await stage.json<Annotation[]>(`/api/v1/runs/${scene.childId}/annotations`)).toHaveLength(1);
});

test('are redacted before they are kept', async () => {
  const secret = 'sk-ant-api03-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB';
  const kept = await send('POST', path(), {
    kind: 'note',
    name: `key ${secret}`,
    value: `use ${secret} here`,
    author: secret,
  });
  expect(await kept.text()).not.toContain(secret);
  expect(JSON.stringify(await stage.json(path()))).not.toContain(secret);
});

test.each([
  ['{"kind":"note"', 400, 'bad-argument', 'body'],
  ['[]', 400, 'bad-argument', 'body'],
  ['{"kind":"opinion"}', 400, 'bad-argument', 'kind'],
  ['{"kind":"note","value":{}}', 400, 'bad-argument', 'value'],
  ['{"kind":"score","value":1e400}', 400, 'bad-argument', 'value'],
  ['{"kind":"note","__proto__":{"x":1}}', 400, 'bad-argument', '__proto__'],
  ['{"kind":"note","runId":"x"}', 400, 'bad-argument', 'runId'],
  ['['.repeat(60_000), 400, 'bad-argument', 'body'],
  [JSON.stringify({ kind: 'note', value: 'x'.repeat(70_000) }), 413, 'body-too-large', null],
])('%.40s is refused', async (body, status, code, field) => {
  const response = await send('POST', path(), body);
  expect(response.status).toBe(status);
  expect((await response.json()) as Problem).toMatchObject({ code, field });
});

test('must come as JSON, which no form of another page can send', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const response = await send('POST', path(), '{"kind":"pin"}', { 'content-type': type });
    expect(response.status).toBe(415);
  }
});

test('lone surrogates and NUL come back as they went in', async () => {
  const value = 'a\u0000b\ud800c';
  const added = (await (await send('POST', path(), { kind: 'note', value })).json()) as Annotation;
  expect(added.value).toBe(value);
});

test('a name tells of its value, and both are redacted (I4)', async () => {
  const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');
  const keep = async (body: object): Promise<Annotation> =>
    (await (await send('POST', path(), body)).json()) as Annotation;
  expect((await keep({ kind: 'label', name: 'password', value: 'swordfish' })).value).toMatch(/^\[REDACTED:key:/);
  expect((await keep({ kind: 'note', value: `it is ${key} ok` })).value).toMatch(
    /^it is \[REDACTED:anthropic-key:[0-9a-f]{8}\] ok$/,
  );
  expect(await keep({ kind: 'label', name: key, value: 'plain "words"\n' })).toMatchObject({
    name: expect.stringMatching(/^\[REDACTED:/) as string,
    value: 'plain "words"\n',
  });
  expect(await keep({ kind: 'label', name: '__proto__', value: 'words' })).toMatchObject({
    name: '__proto__',
    value: 'words',
  });
  expect((await keep({ kind: 'score', name: 'password', value: 3 })).value).toBe(3);
});

test('a refusal never repeats a secret that was taken for a field (I4)', async () => {
  const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');
  const answers = [
    await stage.get(`${path()}?${key}=1`),
    await send('POST', path(), { kind: 'note', [key]: 1 }),
    await send('POST', path(), { kind: 'note', [`${'x'.repeat(80)} ${key}`]: 1 }),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(400);
    const said = (await answer.json()) as Problem;
    expect(said.field).toContain('[REDACTED');
    expect(JSON.stringify(said)).not.toContain(key.slice(0, 20));
  }
});
