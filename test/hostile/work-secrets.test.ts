import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openWork } from '../../src/cli/work/open-work.ts';

// What execution needs word for word rests only encrypted, and all else redacted (I4): no file of a home has the secret while a
// run waits, is under way, has failed and may be driven again, or has ended.

const secret = ['sk', 'live', '51HqLyjWDarjtT1zdp7dcEXAMPLE0qVx9'].join('_');

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tachograph-work-secrets-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const filesWith = (words: string): string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(home, name)).isFile())
    .filter((name) => readFileSync(join(home, name)).includes(words));

it('keeps a secret of a run as work out of every file, from its creation to its end', async () => {
  const work = await openWork({ home, onError: () => undefined });
  const seen: unknown[] = [];
  const request = {
    agentId: 'payer',
    name: `pay with ${secret}`,
    labels: { token: secret, plain: 'albatross' },
    input: { token: secret, note: `use ${secret} now` },
    callerId: secret,
    sessionId: secret,
    idempotencyKey: secret,
    isRedrivable: true,
    attemptsMax: 1,
  };
  const { runId } = await work.createRun(request);
  await work.signal(runId, { id: 'one', name: 'go', payload: { token: secret } });
  await work.putSchedule('nightly', { agentId: 'payer', cron: '@yearly', request: { input: { token: secret } } });
  expect(filesWith(secret)).toEqual([]);
  const worker = work.createWorker({
    agents: {
      payer: async (run, context) => {
        seen.push((run.input as { token: string }).token, run.callerId);
        await context.step(`step ${secret}`, { input: { token: secret } }, () => ({ token: secret }));
        seen.push(await context.tool('pay', { token: secret }, () => ({ token: secret }), { class: 'idempotent' }));
        seen.push(await context.waitForSignal('go'));
        expect(filesWith(secret)).toEqual([]);
        throw new Error(`refused ${secret}`);
      },
    },
  });
  await worker.start();
  expect((await work.waitForEnd(runId, { timeoutMs: 20_000 })).state).toBe('failed');
  await worker.stop({ graceMs: 1000 });
  expect(filesWith(secret)).toEqual([]);
  await work.close();
  // The handler had it word for word, and what is no secret is in the record: the check can fail.
  expect(seen).toEqual([secret, secret, { token: secret }, { token: secret }]);
  expect([filesWith(secret), filesWith('albatross').length > 0]).toEqual([[], true]);
}, 60_000);
