import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { tachograph } from './command.ts';

let place: TemporaryHome;
let server: Server;
let host: string;
let requests: number;
beforeEach(async () => {
  place = createTemporaryHome();
  requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json');
    response.end('{"choices":[]}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  place.remove();
});

let changes = 0;
function set(settings: object | string): void {
  const file = join(place.home, 'settings.json');
  writeFileSync(file, typeof settings === 'string' ? settings : JSON.stringify(settings));
  // Two changes within the resolution of the file system's times are two all the same.
  changes += 1;
  utimesSync(file, changes, changes);
}

async function countRuns(): Promise<number> {
  const home = await openTachograph({ home: place.home });
  await home.indexer.catchUp();
  const count = await home.store.countRuns('default', { includeDryRun: true });
  await home.close();
  return count;
}

const program = (): string[] => [
  'run',
  '--hosts',
  host,
  '--',
  process.execPath,
  '-e',
  `fetch('http://${host}/v1/chat/completions', { method: 'POST', body: '{"model":"m","messages":[]}', headers: { 'content-type': 'application/json' } }).then((r) => r.text()).then(console.log)`,
];

describe('tachograph run', () => {
  it('records nothing where the settings say off or cannot be read, and the program runs all the same', async () => {
    set({ projects: { default: { recording: 'off' } } });
    const off = await tachograph(place.home, ...program());
    expect(off.err).toMatch(/the settings switch recording off/);
    expect([off.status, off.out, await countRuns()]).toEqual([0, '{"choices":[]}\n', 0]);
    set('{"recording": "maybe"}');
    const unreadable = await tachograph(place.home, ...program());
    expect([unreadable.status, await countRuns()]).toEqual([0, 0]);
    expect(unreadable.err).toMatch(/recording in .*settings\.json is "maybe"/);
    set({ recording: 'on', projects: { default: { recording: 'off' } } });
    expect((await tachograph(place.home, ...program())).status).toBe(0);
    expect([requests, await countRuns()]).toEqual([3, 1]);
  }, 60_000);
});

describe('openRecorder', () => {
  it('goes by the settings of its home, caller by caller, and by a reader of its own instead', async () => {
    set({ requireOptIn: true, projects: { default: { callers: { ada: { optIn: true }, bob: { recording: 'on' } } } } });
    const recorder = place.recorder();
    const isOn = (callerId?: string): boolean =>
      recorder.startRun({ agentId: 'agent', ...(callerId === undefined ? {} : { callerId }) }).recording;
    expect([isOn('ada'), isOn('bob'), isOn()]).toEqual([true, false, false]);
    set({});
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect([isOn('ada'), isOn('bob'), isOn()]).toEqual([true, true, true]);
    await recorder.close();
    const own = place.recorder({
      switches: () => ({ deployment: 'off', project: null, caller: null, requireOptIn: false, optedIn: false }),
    });
    expect(own.startRun({ agentId: 'agent' }).recording).toBe(false);
    await own.close();
  });
});
