import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { CheckThread } from './check-thread.ts';
import { checkBounds, createCheckThread } from './check-thread.ts';

const open: CheckThread[] = [];
afterEach(async () => {
  for (const thread of open.splice(0)) await thread.close();
});

function createThread(more: object = {}): CheckThread {
  const thread = createCheckThread({ ...checkBounds, ...more });
  open.push(thread);
  return thread;
}

const check = (schema: unknown, value: unknown) =>
  ({ kind: 'check', schema: JSON.stringify(schema), output: JSON.stringify(value) }) as const;
const wideMs = 30_000;

describe('the checking thread', () => {
  test('is started again after it was ended, and reads its schema again', async () => {
    const thread = createThread({ idleMs: 1 });
    const schema = { type: 'integer' };
    expect(await thread.compile(JSON.stringify(schema))).toEqual({ kind: 'good' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await thread.ask(check(schema, 1), wideMs)).toEqual({ kind: 'good' });
    await thread.close();
    expect(await thread.ask(check(schema, 'a'), wideMs)).toMatchObject({ kind: 'invalid' });
  });

  test('knows more schemas than it keeps', async () => {
    const thread = createThread();
    for (let turn = 0; turn < 2; turn += 1)
      for (let at = 0; at < 20; at += 1)
        expect(await thread.ask(check({ $id: 'https://one.example/', const: at }, at), wideMs)).toEqual({
          kind: 'good',
        });
  });

  test('whose memory is full is ended, and the program goes on', async () => {
    const thread = createThread({ heapMb: 24 });
    const schema = { items: { anyOf: Array.from({ length: 100 }, () => ({ type: 'string' })) } };
    for (let turn = 0; turn < 3; turn += 1) {
      const job = {
        ...check(
          schema,
          Array.from({ length: 200_000 }, () => 1),
        ),
        kind: 'list',
      } as const;
      expect(await thread.ask(job, wideMs)).toMatchObject({ kind: 'over', of: 'memory' });
    }
    expect(await thread.ask(check(true, 1), wideMs)).toEqual({ kind: 'good' });
  });

  test('has no room for what would fill its memory within the parser, where it could not be ended', async () => {
    const thread = createThread({ heapMb: 24 });
    const job = { kind: 'check', schema: '{"maxItems":1}', output: `[${'{},'.repeat(660_000)}1]` } as const;
    expect(await thread.ask(job, wideMs)).toEqual({ kind: 'over', of: 'memory', message: 'it needs too much memory' });
    expect(await thread.ask(check(true, 1), wideMs)).toEqual({ kind: 'good' });
    const wide = createThread();
    expect(await wide.ask(job, wideMs)).toMatchObject({ kind: 'invalid' });
  });

  test('that has too little memory left makes way for one that has all of it', async () => {
    const thread = createThread({ heapMb: 96 });
    const properties = Object.fromEntries(
      Array.from({ length: 1_500 }, (_, at) => [`p${at}`, { type: 'string', pattern: `^${at}$` }]),
    );
    for (let at = 0; at < 6; at += 1)
      expect(await thread.compile(JSON.stringify({ title: String(at), properties }))).toEqual({ kind: 'good' });
    const output = `[${'{},'.repeat(500_000)}1]`;
    expect(await thread.ask({ kind: 'check', schema: 'true', output }, wideMs)).toEqual({ kind: 'good' });
  });

  test('whose schema does not compile in its time is ended', async () => {
    const thread = createThread({ compileMs: 1 });
    const properties = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`p${at}`, { type: 'string' }]));
    expect(await thread.compile(JSON.stringify({ properties }))).toMatchObject({ kind: 'over', of: 'time' });
  });

  test('that cannot start says so', async () => {
    const thread = createThread({ startMs: 1 });
    await expect(thread.compile('true')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('could not be started'),
    });
  });

  test('that is told what is no JSON answers that it failed', async () => {
    const thread = createThread();
    expect(await thread.ask({ kind: 'check', schema: 'true', output: '{' }, wideMs)).toMatchObject({ kind: 'failed' });
    expect(await thread.ask({ kind: 'check', schema: '{', output: '1' }, wideMs)).toMatchObject({ kind: 'bad-schema' });
  });
});

const root = join(import.meta.dirname, '../../../..');
const built = join(root, 'dist/schema-output.js');
const isBuilt = existsSync(built) && existsSync(join(root, 'dist/schema-thread.js'));

describe('a program that checks answers', () => {
  const place = mkdtempSync(join(tmpdir(), 'tachograph-thread-'));
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test.skipIf(!isBuilt)(
    'finds its thread in the package as it is built (skipped when dist is not: npm run build)',
    () => {
      writeFileSync(
        join(place, 'built.mjs'),
        `import { generateWithSchema } from ${JSON.stringify(pathToFileURL(built).href)};
const step = { within: (fn) => fn(), finish() {}, run: { log() {} } };
const call = async () => ({ text: '"2026-11-21"' });
const schema = { type: 'string', format: 'date' };
const outcome = await generateWithSchema({ schema, messages: [], call, run: { step: () => step } });
process.stdout.write(String(outcome.ok));`,
      );
      const done = spawnSync(process.execPath, [join(place, 'built.mjs')], { encoding: 'utf8' });
      expect(done).toMatchObject({ status: 0, stdout: 'true', stderr: '' });
    },
  );

  test('ends when it has no more to do, and what it preloads is not loaded into the thread', () => {
    const mark = join(place, 'loaded-in-a-thread');
    writeFileSync(
      join(place, 'preload.mjs'),
      `import { isMainThread } from 'node:worker_threads';
import { writeFileSync } from 'node:fs';
if (!isMainThread) writeFileSync(${JSON.stringify(mark)}, '');`,
    );
    const preload = pathToFileURL(join(place, 'preload.mjs')).href;
    writeFileSync(
      join(place, 'program.mjs'),
      `import { createCheckThread } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'check-thread.ts')).href)};
const thread = createCheckThread();
const verdict = await thread.ask({ kind: 'check', schema: '{"pattern":"^a"}', output: '"a"' }, 30_000);
process.stdout.write(verdict.kind);`,
    );
    // Less than the thread may idle: the thread must not be what the program waits for.
    const done = spawnSync(process.execPath, ['--import', preload, join(place, 'program.mjs')], {
      encoding: 'utf8',
      timeout: checkBounds.idleMs - 5_000,
      env: { ...process.env, NODE_OPTIONS: `--import=${preload}` },
    });
    expect(done).toMatchObject({ status: 0, stdout: 'good', stderr: '' });
    expect(existsSync(mark)).toBe(false);
  });
});
