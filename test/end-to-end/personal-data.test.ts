import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome, filesWith } from '../indexer/home.ts';
import { tachograph } from './command.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

const journalModule = new URL('../../src/journal/index.ts', import.meta.url).href;

/** A program that records one run with a person in it. */
function recordProgram(): string {
  const script = `
    const { openRecorder } = await import(${JSON.stringify(journalModule)});
    const recorder = openRecorder({ home: ${JSON.stringify(place.home)}, onError: (error) => console.error(error.message) });
    await recorder.run({ agentId: 'clerk', callerId: 'ada@example.org', sessionId: 'TCK-10203040' }, async (run) => {
      run.log('note', { text: 'ada@example.org asked about TCK-10203040', diagnosis: 'a cold' });
    });
    await recorder.close();
  `;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stderr;
}

const settings = (redact: unknown): void =>
  writeFileSync(join(place.home, 'settings.json'), JSON.stringify({ redact }));

it('the rules of a home take out what they name, and callers are found by the name that is not there', async () => {
  settings({
    personal: ['email'],
    pseudonymise: true,
    deniedKeys: ['diagnosis'],
    detectors: [{ kind: 'ticket', pattern: '/TCK-\\d{8}/' }],
  });
  expect(recordProgram()).toBe('');
  const { status, out } = await tachograph(place.home, 'ls', '--caller', 'ada@example.org', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(out).items).toMatchObject([{ agentId: 'clerk', callerId: expect.stringMatching(/^pseudonym:/) }]);
  expect((await tachograph(place.home, 'ls', '--session', 'TCK-10203040')).out).toContain('clerk');
  expect(JSON.parse((await tachograph(place.home, 'ls', '--caller', 'bob@example.org', '--json')).out).items).toEqual(
    [],
  );
  for (const word of ['ada@example.org', 'TCK-10203040', 'a cold'])
    expect({ word, in: filesWith(place.home, word) }).toEqual({ word, in: [] });
  const erased = await tachograph(place.home, 'erase', '--caller', 'ada@example.org', '--yes');
  expect([erased.status, erased.out]).toEqual([0, expect.stringMatching(/1 run/)]);
});

it('without rules the same words are kept: the test above can fail', async () => {
  expect(recordProgram()).toBe('');
  await tachograph(place.home, 'ls');
  for (const word of ['ada@example.org', 'TCK-10203040', 'a cold']) expect(filesWith(place.home, word)).not.toEqual([]);
});

it('rules that cannot be read record nothing, and say so once', async () => {
  settings({ detectors: [{ kind: 'slow', pattern: '(a+)+$' }] });
  expect(recordProgram()).toMatch(/^Whether to record cannot be read, .*redact in .*settings\.json: .*slow.*\n$/);
  expect(filesWith(place.home, 'clerk')).toEqual([]);
});
