import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

// What the recording proxy adds to a call on loopback. Upstream, proxy and client are a process each, as in use; direct and
// proxied calls alternate, one at a time, over connections that are kept. Prints a table; --json <file> keeps it.
// The bar: at most 2 ms added at the median; exit status 1 when it is missed.
//
//   node bench/proxy.ts [--calls 600] [--json <file>]

interface Figure {
  readonly scenario: string;
  readonly directMs: { readonly p50: number; readonly p95: number };
  readonly proxiedMs: { readonly p50: number; readonly p95: number };
  readonly addedMs: number;
}

const barMs = 2;
const warmCalls = 60;
const { values } = parseArgs({ options: { calls: { type: 'string', default: '600' }, json: { type: 'string' } } });
const calls = Number(values.calls);

const home = mkdtempSync(join(tmpdir(), 'tachograph-bench-'));
const place = (name: string): string => fileURLToPath(new URL(`proxy/${name}.ts`, import.meta.url));

async function start(name: string, ...args: readonly string[]): Promise<{ url: string; stop: () => void }> {
  const child = fork(place(name), [...args], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { url: line.toString().trim(), stop: () => child.disconnect() };
}

const agent = new Agent({ keepAlive: true });

/** One call, from the first byte sent to the last one read, in milliseconds. */
function call(url: string, body: string): Promise<number> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-bench-000000000000' };
    const sent = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', headers, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(performance.now() - since));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A conversation that grows by two messages a call, from the beginning again after `turns`. */
function bodyOf(
  turn: number,
  of: { readonly turns: number; readonly chars: number; readonly stream: boolean },
): string {
  const messages = Array.from({ length: 1 + 2 * (turn % of.turns) }, (_item, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `${Math.floor(turn / of.turns)}.${index} ${'words of a message '.repeat(of.chars / 19)}`,
  }));
  return JSON.stringify({ model: 'bench', stream: of.stream, messages });
}

const percentile = (list: readonly number[], share: number): number =>
  [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * share)]!;

const upstream = await start('upstream');
const proxy = await start('relay', home, upstream.url);
const figures: Figure[] = [];
for (const [scenario, shape] of [
  ['one short message', { turns: 1, chars: 200, stream: false }],
  ['20 turns of 2 kB', { turns: 20, chars: 2000, stream: false }],
  ['streamed, 50 events', { turns: 4, chars: 500, stream: true }],
] as const) {
  const timesMs: { direct: number[]; proxied: number[] } = { direct: [], proxied: [] };
  for (let index = 0; index < calls + warmCalls; index += 1) {
    const body = bodyOf(index, shape);
    const ways = [
      ['direct', upstream.url],
      ['proxied', `${proxy.url}/proxy/bench`],
    ] as const;
    for (const [way, url] of index % 2 === 0 ? ways : ways.toReversed()) {
      const ms = await call(url, body);
      if (index >= warmCalls) timesMs[way].push(ms);
    }
  }
  const toFigures = (list: readonly number[]) => ({ p50: percentile(list, 0.5), p95: percentile(list, 0.95) });
  const directMs = toFigures(timesMs.direct);
  const proxiedMs = toFigures(timesMs.proxied);
  figures.push({ scenario, directMs, proxiedMs, addedMs: proxiedMs.p50 - directMs.p50 });
}
proxy.stop();
upstream.stop();
agent.destroy();
rmSync(home, { recursive: true, force: true });

const cell = (ms: number): string => `${ms.toFixed(2)} ms`.padStart(10);
console.log(
  `${'scenario'.padEnd(22)}${['direct', 'p95', 'proxied', 'p95', 'added'].map((name) => name.padStart(10)).join('')}`,
);
for (const { scenario, directMs, proxiedMs, addedMs } of figures)
  console.log(
    `${scenario.padEnd(22)}${[directMs.p50, directMs.p95, proxiedMs.p50, proxiedMs.p95, addedMs].map(cell).join('')}`,
  );
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
if (figures.some(({ addedMs }) => addedMs > barMs)) process.exitCode = 1;
