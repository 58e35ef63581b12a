import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { tachograph } from './command.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

async function recordOne(agentId = 'agent'): Promise<string> {
  const recorder = place.recorder();
  const run = recorder.startRun({ agentId });
  run
    .step({ kind: 'model', messages: [{ role: 'user', content: 'hello' }] })
    .finish({ status: 'completed', response: [{ type: 'text', text: 'hi' }] });
  run.close({ endReason: 'ok' });
  await recorder.close();
  return run.id;
}

describe('bad input has a clear error with its code and exit status', () => {
  it('for command lines', async () => {
    await recordOne();
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['show', '01900000'], 1, /No run begins with "01900000".*\[run-not-found\]/],
      [['show', 'not a run'], 2, /give an id.*\[bad-argument\]/],
      [['show', 'last', '--step', '0'], 2, /steps count from 1.*\[bad-argument\]/],
      [['show', 'last', '--step', '99'], 1, /\[step-not-found\]/],
      [['ls', '--status', 'nope'], 2, /--status "nope".*completed.*\[bad-filter\]/],
      [['ls', '--since', 'yesterday-ish'], 2, /--since "yesterday-ish".*\[bad-filter\]/],
      [['ls', '--label', 'novalue'], 2, /--label key=value.*\[bad-filter\]/],
      [['ls', '--limit', 'many'], 2, /--limit "many".*\[bad-argument\]/],
      [['ls', '--cursor', 'xyz'], 2, /\[bad-cursor\]/],
      [['ls', '--wrong'], 2, /unknown option '--wrong'/],
      [['frobnicate'], 2, /unknown command 'frobnicate'/],
      [['verify'], 2, /--all.*\[bad-argument\]/],
      [['erase', 'last'], 2, /--yes.*\[bad-argument\]/],
      [['purge', '--older-than', 'never'], 2, /--older-than "never".*\[bad-filter\]/],
      [['run', '--', 'no-such-command-anywhere'], 2, /cannot be started.*\[bad-argument\]/],
      [['serve', '--port', '70000'], 2, /--port "70000".*\[bad-argument\]/],
      [['serve', '--host', '0.0.0.0', '--port', '0', '--no-sample'], 2, /there is no key yet.*\[bind-refused\]/],
    ];
    for (const [args, status, message] of cases) {
      const result = await tachograph(place.home, ...args);
      expect({ args, status: result.status }).toEqual({ args, status });
      expect(result.err).toMatch(message);
      expect(result.out).toBe('');
      expect(result.err).not.toMatch(/\n\s+at /);
    }
  }, 60_000);

  it('as JSON for programs', async () => {
    const { status, out } = await tachograph(place.home, 'show', 'last', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'run-not-found' } });
  });

  it('for a home that cannot be used', async () => {
    writeFileSync(join(place.home, 'file'), '');
    const { status, err } = await tachograph(join(place.home, 'file'), 'ls');
    expect(status).toBe(1);
    expect(err).toMatch(/\[home-unusable\]/);
  });

  it('for a database that is none, which is left as it is', async () => {
    const file = join(place.home, 'tachograph.db');
    writeFileSync(file, 'this is not a database, it only has its name. '.repeat(100));
    const before = readFileSync(file);
    const { status, err } = await tachograph(place.home, 'ls');
    expect(status).toBe(1);
    expect(err).toMatch(/tachograph\.db.*\[store-broken\]/);
    expect(readFileSync(file)).toEqual(before);
    const doctor = await tachograph(place.home, 'doctor');
    expect(doctor.status).toBe(1);
    expect(doctor.out).toMatch(/bad\s+store/);
  });

  it('for a store written by a newer version, which is left as it is', async () => {
    await recordOne();
    expect((await tachograph(place.home, 'ls')).status).toBe(0);
    const database = new DatabaseSync(join(place.home, 'tachograph.db'));
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    database.exec(`PRAGMA user_version = ${version + 1_000_000}`);
    database.close();
    const { status, err } = await tachograph(place.home, 'ls');
    expect(status).toBe(1);
    expect(err).toMatch(/\[store-newer\]/);
  });

  it('for broken journals: they are put aside with their cause, everything else is kept', async () => {
    const runId = await recordOne();
    const folder = join(place.home, 'journal', 'default');
    const good = readdirSync(folder).find((name) => name.endsWith('.tgj'))!;
    const bytes = readFileSync(join(folder, good));
    // A byte in the middle of the second half of the file, and a file that is no journal at all.
    bytes[Math.floor(bytes.length * 0.7)]! ^= 0xff;
    writeFileSync(join(folder, good), bytes);
    mkdirSync(join(place.home, 'journal', 'default'), { recursive: true });
    writeFileSync(
      join(folder, '20200101T000000000Z-1-0000000000000000.tgj'),
      'no journal, no journal, no journal, no journal',
    );
    const doctor = await tachograph(place.home, 'doctor');
    expect(doctor.status).toBe(1);
    expect(doctor.out).toMatch(/bad\s+quarantine/);
    const verify = await tachograph(place.home, 'verify', runId);
    expect(verify.status).toBe(1);
    expect(verify.out).toMatch(/missing/);
    expect(readdirSync(join(place.home, 'quarantine'), { recursive: true }).length).toBeGreaterThan(2);
  });
});
