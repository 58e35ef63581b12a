import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { createExporter } from '../../src/cli/export/exporter.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import type { Redactor } from '../../src/core/redact/redactor.ts';
import type { Handler } from '../../src/server/index.ts';
import { createHandler } from '../../src/server/index.ts';
import { routes } from '../../src/server/routes/index.ts';
import { listFiles } from '../indexer/home.ts';
import type { Planter } from './secrets.ts';

/** Something that came out somewhere, and whether it is an index of words without their capitals. */
export interface Outlet {
  readonly where: string;
  readonly bytes: Uint8Array | string;
  readonly isFolded?: boolean;
}

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function* valuesOf(db: DatabaseSync, name: string): Generator<Outlet> {
  for (const row of db.prepare(`SELECT * FROM ${name}`).all())
    for (const [column, value] of Object.entries(row)) {
      if (typeof value === 'string') yield { where: `table ${name}`, bytes: value };
      if (!(value instanceof Uint8Array)) continue;
      const isPacked = Buffer.from(value.subarray(0, 4)).equals(zstdMagic);
      yield {
        where: isPacked ? `packed ${name}.${column}` : `table ${name}`,
        bytes: isPacked ? zstdDecompressSync(value) : value,
      };
    }
}

function* indexOf(db: DatabaseSync, name: string): Generator<Outlet> {
  db.exec(`CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary_${name} USING fts5vocab(main, ${name}, 'row')`);
  const terms = db.prepare(`SELECT term FROM temp.vocabulary_${name}`).all() as { term: string }[];
  yield { where: 'index of words', bytes: terms.map(({ term }) => term).join(' '), isFolded: true };
}

/** A page with what is packed in it unpacked; anything else as it is. */
function unpackPage(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 15).equals(Buffer.from('<!doctype html>'))) return bytes;
  const packed = bytes.toString().matchAll(/>(H4sI[A-Za-z0-9+/=]+)</g);
  return Buffer.concat([bytes, ...[...packed].map(([, text]) => gunzipSync(Buffer.from(text!, 'base64')))]);
}

/** Every file of a home, by its raw bytes; every value of its database, unpacked; every word of its indexes. */
export function* homeOutlets(home: string): Generator<Outlet> {
  for (const file of listFiles(home)) {
    if (file.startsWith(join(home, 'keys'))) continue;
    yield { where: file.slice(home.length + 1).replaceAll(/[0-9a-f-]{16,}/g, '…'), bytes: readFileSync(file) };
  }
  const db = new DatabaseSync(join(home, 'tachograph.db'), { readOnly: true });
  try {
    const tables = db
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all() as { name: string; sql: string }[];
    for (const { name, sql } of tables) yield* /^CREATE VIRTUAL/i.test(sql) ? indexOf(db, name) : valuesOf(db, name);
  } finally {
    db.close();
  }
}

/** A handler over a home as `serve` makes it. */
export function openHandler(opened: OpenedHome, redactor: Redactor | null, onError: (error: unknown) => void): Handler {
  return createHandler({
    store: opened.store,
    projectId: opened.projectId,
    verify: (_projectId, runId) => opened.verify(runId),
    eraseRun: (projectId, runId) => opened.indexer.eraseRun(projectId, runId),
    eraseSubject: (projectId, subject) => opened.indexer.eraseSubject(projectId, subject),
    exporter: createExporter(opened),
    ...(redactor === null ? {} : { redactorOf: () => redactor }),
    onError,
    pollMs: 20,
  });
}

const isText = (value: unknown): value is string => typeof value === 'string';

async function readSome(response: Response, ms: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = response.body?.getReader();
  const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), ms));
  while (reader !== undefined) {
    const next = await Promise.race([reader.read(), late]);
    if (next === 'late' || next.done) {
      await reader.cancel();
      break;
    }
    chunks.push(next.value as Uint8Array);
  }
  return Buffer.concat(chunks);
}

/** Writes annotations with secrets through the API; gives what it answered. */
export async function annotate(handler: Handler, runId: string, { plant }: Planter): Promise<Outlet[]> {
  const outlets: Outlet[] = [];
  const send = async (method: string, path: string, body: unknown): Promise<void> => {
    const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await handler(new Request(`http://localhost${path}`, init));
    outlets.push({
      where: `${method} annotations`,
      bytes: `${JSON.stringify([...response.headers])}${await response.text()}`,
    });
  };
  const path = `/api/v1/runs/${runId}/annotations`;
  const short = { charsMax: 0 };
  await send('POST', path, {
    kind: 'note',
    name: plant('annotation.name', short).slice(0, 200),
    value: plant('annotation.value'),
    author: plant('annotation.author', short).slice(0, 200),
  });
  await send('POST', path, { kind: 'label', name: 'password', value: plant('annotation.label') });
  await send('PUT', `${path}/019a9f3e-1b2c-7000-8000-000000000001`, {
    kind: 'score',
    name: 'quality',
    value: plant('annotation.score'),
  });
  return outlets;
}

/** What requests with a secret where none belongs are answered: names of fields, ids, bodies. */
export async function askWrongly(handler: Handler, { plant }: Planter): Promise<Outlet[]> {
  const outlets: Outlet[] = [];
  for (const { method, path, body, bytes } of routes) {
    const wrong = (place: string): string => encodeURIComponent(plant(`wrong.${place}`, { charsMax: 0 }).slice(0, 400));
    const inPath = path.replace(/\{\w+\}/, () => wrong('path'));
    const filled = path.replaceAll(/\{\w+\}/g, '019a9f3e-1b2c-7000-8000-000000000001');
    const paths = [
      inPath,
      filled,
      `${filled}?${wrong('query.name')}=1`,
      `${filled}?limit=${wrong('query.value')}&cursor=${wrong('query.cursor')}&status=${wrong('query.status')}`,
    ];
    for (const each of paths) {
      const isSent = body !== undefined || bytes !== undefined;
      const init = isSent
        ? {
            body: JSON.stringify({ [plant('wrong.body', { charsMax: 0 })]: 1 }),
            headers: { 'content-type': bytes?.mediaType ?? 'application/json' },
          }
        : {};
      const response = await handler(new Request(`http://localhost${each}`, { method, ...init }));
      const text = await readSome(response, 50);
      outlets.push({
        where: `wrong ${method} ${path}`,
        bytes: Buffer.concat([Buffer.from(JSON.stringify([...response.headers])), text]),
      });
    }
  }
  return outlets;
}

/** Every route that only reads, with every run, step, attempt and content that there is. */
export async function routeOutlets(handler: Handler, runIds: readonly string[]): Promise<Outlet[]> {
  const outlets: Outlet[] = [];
  const asked = new Set<string>();
  const ask = async (route: string, path: string, accept = 'application/json'): Promise<unknown> => {
    if (asked.has(`${accept} ${path}`)) return null;
    asked.add(`${accept} ${path}`);
    const isStream = accept === 'text/event-stream';
    const response = await handler(new Request(`http://localhost${path}`, { headers: { accept } }));
    const bytes = isStream ? await readSome(response, 150) : Buffer.from(await response.arrayBuffer());
    const where = `${isStream ? 'SSE' : 'GET'} ${route}${/\?format=\w+/.exec(path)?.[0] ?? ''}`;
    outlets.push({
      where,
      bytes: Buffer.concat([Buffer.from(JSON.stringify([...response.headers])), unpackPage(bytes)]),
    });
    return response.headers.get('content-type')?.includes('application/json') === true && !isStream
      ? JSON.parse(bytes.toString())
      : null;
  };
  const listOf = async (path: string): Promise<Record<string, unknown>[]> => {
    const response = await handler(new Request(`http://localhost${path}`));
    const found = (await response.json()) as unknown;
    return Array.isArray(found) ? (found as Record<string, unknown>[]) : [];
  };
  const fill = (path: string, values: Readonly<Record<string, string>>): string =>
    path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x');
  const queries: Record<string, readonly string[]> = {
    '/api/v1/search': ['?q=note', '?q=there&order=rank&limit=200', '?q=REDACTED'],
    '/api/v1/runs/{id}/diff/{other}/steps': ['?a=1&b=1', '?a=2&b=3'],
    '/api/v1/stats': ['?by=model', '?by=agent', '?by=day'],
    '/api/v1/stats/volume': ['', '?buckets=5'],
    '/api/v1/runs': ['', '?limit=500&includeDryRun=true'],
    '/api/v1/runs/{id}/export': ['', '?format=json', '?format=json&scope=session', '?format=html'],
  };
  for (const { method, path, streams, answer } of routes) {
    if (method !== 'GET') continue;
    const isStreamOnly = answer === 'text/event-stream';
    for (const [at, runId] of (path.includes('{') ? runIds : ['']).entries()) {
      const other = runIds[(at + 1) % runIds.length]!;
      const steps = path.includes('{n}') ? await listOf(`/api/v1/runs/${runId}/steps`) : [{}];
      for (const { number } of steps) {
        const attempts = path.includes('{k}')
          ? await listOf(`/api/v1/runs/${runId}/steps/${String(number)}/attempts`)
          : [{}];
        for (const { number: k } of attempts) {
          const contentIds = path.includes('{contentId}') ? await contentIdsOf(handler, runId) : [''];
          for (const contentId of contentIds) {
            const filled = fill(path, { id: runId, runId, other, n: String(number), k: String(k), contentId });
            for (const query of queries[path] ?? ['']) if (!isStreamOnly) await ask(path, `${filled}${query}`);
            if (streams === true || isStreamOnly) await ask(path, filled, 'text/event-stream');
          }
        }
      }
    }
  }
  return outlets;
}

/** What is streamed of runs while `work` records. */
export async function watchRuns(handler: Handler, work: () => Promise<void>): Promise<Outlet> {
  const path = '/api/v1/runs/stream';
  const response = await handler(new Request(`http://localhost${path}`, { headers: { accept: 'text/event-stream' } }));
  const reading = readSome(response, 500);
  await work();
  return { where: `SSE ${path}`, bytes: await reading };
}

/** Ids of everything that the events of a run name. */
async function contentIdsOf(handler: Handler, runId: string): Promise<string[]> {
  const response = await handler(new Request(`http://localhost/api/v1/runs/${runId}/events?limit=500`));
  return [...new Set((await response.text()).match(/\b[0-9a-f]{64}\b/g)?.filter(isText) ?? [])];
}

const driver = fileURLToPath(new URL('command-driver.ts', import.meta.url));

/** What the commands print about a home and its runs, on both outputs, and what they export. */
export async function commandOutlets(home: string, runIds: readonly string[]): Promise<Outlet[]> {
  const folder = `${home}-out`;
  mkdirSync(folder);
  const at = (name: string): string => join(folder, name);
  const lines = [
    ['ls'],
    ['ls', '--json', '--nested', '--dry-runs', '--limit', '500'],
    ['search', 'note'],
    ['search', 'there', '--json', '--limit', '500'],
    ['search', 'REDACTED', '--rank'],
    ['doctor'],
    ['doctor', '--json'],
    ['verify', '--all'],
    ...runIds.flatMap((id, index) => [
      ['show', id],
      ['show', id, '--json'],
      ...['1', '2', '3', '5', '8'].flatMap((step) => [
        ['show', id, '--step', step],
        ['show', id, '--step', step, '--json'],
      ]),
      ['tail', id],
      ['tail', id, '--json'],
      ['verify', id, '--json'],
      ['export', id, '-o', at(`${index}.tgr`)],
      ['export', id, '--html', '-o', at(`${index}.html`)],
      ['export', id, '--json', '-o', at(`${index}.json`)],
      ['export', id, '--json', '--session', '-o', at(`${index}-session.json`)],
      ['show', at(`${index}.tgr`)],
      ['verify', at(`${index}.tgr`)],
    ]),
    ['backup', at('backup')],
  ];
  writeFileSync(at('lines.json'), JSON.stringify(lines.map((line) => [...line, '--home', home])));
  const [out, err] = [at('out.txt'), at('err.txt')];
  const env = { ...process.env, TACHOGRAPH_HOME: home, TACHOGRAPH_DEBUG: '1' };
  const child = spawn(process.execPath, [driver, at('lines.json')], {
    stdio: ['ignore', openSync(out, 'w'), openSync(err, 'w')],
    env,
  });
  await once(child, 'close');
  rmSync(at('lines.json'));
  const printed = [out, err].flatMap((file, which) =>
    readFileSync(file, 'utf8')
      .split(/^@@ /m)
      .map((text) => ({
        where: `${which === 0 ? 'printed' : 'complained'} ${text.split('\n', 1)[0]!.trim()}`,
        bytes: text,
      })),
  );
  const exported = listFiles(folder)
    .filter((file) => file !== out && file !== err)
    .map((file) => ({
      where: `exported ${file.slice(folder.length + 1).replaceAll(/^\d+|[0-9a-f-]{16,}/g, '…')}`,
      bytes: unpackPage(readFileSync(file)),
    }));
  rmSync(folder, { recursive: true });
  return [...printed, ...exported];
}
