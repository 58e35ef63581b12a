import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import type { Loopback } from '../playback/loopback.ts';
import { chatAnswer, chatDelta, chatPath, openLoopback } from '../playback/loopback.ts';
import { createLeakSearch } from './leak-search.ts';
import { homeOutlets } from './outlets.ts';
import type { Planter } from './secrets.ts';
import { createPlanter, encodings, secretKinds } from './secrets.ts';

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const programFile = fileURLToPath(new URL('secretive-program.ts', import.meta.url));

let place: TemporaryHome;
let loopback: Loopback;
let folder: string;
beforeEach(async () => {
  place = createTemporaryHome();
  folder = mkdtempSync(join(tmpdir(), 'slips-'));
  loopback = await openLoopback();
});
afterEach(() => {
  loopback.close();
  rmSync(folder, { recursive: true });
  place.remove();
});

const words = ['tool-name', 'header-name'];
const urls = ['url', 'http.url'];
const lines = ['header', 'http.header', 'upload-name', 'multipart-name'];
const others =
  'thrown.text thrown.object thrown.map thrown.aggregate thrown.aggregate.part thrown.bare answer prompt getter getter.answer body upload multipart http.body'.split(
    ' ',
  );

function answer({ handlers, origin }: Loopback, { plant, split }: Planter): void {
  const json = { 'content-type': 'application/json' };
  handlers[chatPath] = (_request, response) =>
    void response.writeHead(200, json).end(chatAnswer(plant('provider.answer')));
  handlers['/moved/v1/chat/completions'] = (_request, response) =>
    void response
      .writeHead(307, { location: `${origin}${chatPath}?note=${plant('redirect', { shape: 'path' })}` })
      .end();
  handlers['/v1/audio/transcriptions'] = (_request, response) =>
    void response.writeHead(200, json).end(JSON.stringify({ text: plant('transcript') }));
  handlers['/stream/v1/chat/completions'] = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const content of split('provider.split', 3)) response.write(chatDelta({ content }));
    response.end(`${chatDelta({}, 'stop')}data: [DONE]\n\n`);
  };
}

const sampled = encodings.filter(({ name }) => ['plain', 'JSON', 'base64 in a text'].includes(name));

it.each(sampled)(
  'what a recorded program lets slip is found nowhere (I4): $name',
  { timeout: 60_000 },
  async (encoding) => {
    const planter = createPlanter({
      encoding,
      seed: 41,
      kindOf: (_n, random) => secretKinds[random(secretKinds.length)]!,
    });
    const { plant } = planter;
    answer(loopback, planter);
    const slips = Object.fromEntries([
      ...words.map((name) => [name, plant(name, { shape: 'word' })]),
      ...lines.map((name) => [name, plant(name, { shape: 'line' })]),
      ...urls.map((name) => [name, plant(name, { shape: 'path' })]),
      ...others.map((name) => [name, plant(name)]),
    ]);
    writeFileSync(join(folder, 'slips.json'), JSON.stringify(slips));
    const args = [plant('argv'), `--note=${plant('argv.option')}`, '--api-key', plant('argv.value')];
    const env = {
      ...process.env,
      SLIPS: join(folder, 'slips.json'),
      ORIGIN: loopback.origin,
      OPENAI_API_KEY: plant('env'),
      NOTE: plant('env.note'),
      TACHOGRAPH_STREAM_FLUSH_MS: plant('env.own'),
      TACHOGRAPH_SESSION: plant('env.session'),
    };
    const command = [
      mainFile,
      '--home',
      place.home,
      'run',
      '--hosts',
      '127.0.0.1:*',
      '--',
      process.execPath,
      '--no-warnings',
      programFile,
      ...args,
    ];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    expect(said).toMatch(/tachograph: \d+ runs, \d+ steps/);
    const [plain, folded] = [createLeakSearch(planter.planted), createLeakSearch(planter.planted, true)];
    const outlets = [...homeOutlets(place.home), { where: 'standard error', bytes: said }];
    const leaks = outlets.flatMap(({ where, bytes, ...rest }) =>
      ('isFolded' in rest ? folded : plain).leaks(where, bytes),
    );
    expect([...new Set(leaks.map(({ where, secret }) => `${secret.kind} in ${secret.place}: ${where}`))]).toEqual([]);
    // What was looked through is a record of all this, not an empty one.
    const record = outlets.map(({ bytes }) => bytes.toString()).join('\n');
    for (const word of [
      'REDACTED',
      'secretive-program.ts',
      'api-key',
      'transcriptions',
      'multipart/form-data',
      'STREAM_FLUSH_MS',
    ])
      expect(record).toContain(word);
  },
);
