import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventHash, payloadDigest, zeroHash } from '../core/record/chain.ts';
import { isContentIntact } from '../core/content/content.ts';
import { readAll, withHome } from '../../test/journal/entries.ts';
import { isProcessAlive, listJournals } from './index.ts';

const victim = fileURLToPath(new URL('../../test/journal/victim.ts', import.meta.url));

/** Starts a writer, kills it `afterMs` after its first acknowledgement, and returns the last number it acknowledged. */
function killAfter(
  home: string,
  mode: 'direct' | 'buffered',
  options: { writer: string; afterMs: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [victim, home, options.writer, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let ledger = '';
    let armed = false;
    child.stdout.on('data', (chunk) => {
      ledger += chunk;
      if (armed) return;
      armed = true;
      setTimeout(() => child.kill('SIGKILL'), options.afterMs);
    });
    child.on('error', reject);
    child.on('close', () => resolve(Number(ledger.slice(0, ledger.lastIndexOf('\n')).split('\n').at(-1))));
  });
}

/** Kills `count` writers, several at once, and returns for each what was acknowledged and what is there. */
async function ordeal(
  home: string,
  mode: 'direct' | 'buffered',
  count: number,
): Promise<{ acknowledged: number; kept: number }[]> {
  const writers = Array.from({ length: count }, (_, i) => i.toString(16).padStart(16, '0'));
  const acknowledgedByWriter = new Map<string, number>();
  for (let i = 0; i < count; i += 2) {
    await Promise.all(
      writers.slice(i, i + 2).map(async (writer) => {
        acknowledgedByWriter.set(writer, await killAfter(home, mode, { writer, afterMs: Math.random() * 120 }));
      }),
    );
  }
  const entries = readAll(home);
  return writers.map((writer) => {
    const events = entries.filter(({ event }) => event.header.writerId === writer).map(({ event }) => event);
    let previous = zeroHash;
    for (const [i, event] of events.entries()) {
      expect(event.header.n).toBe(i + 1);
      expect(Buffer.from(payloadDigest(event.salt!, event.payload!))).toEqual(Buffer.from(event.digest));
      expect(Buffer.from(eventHash(previous, event.header, event.digest))).toEqual(Buffer.from(event.hash));
      previous = event.hash;
    }
    return { acknowledged: acknowledgedByWriter.get(writer)!, kept: events.length };
  });
}

describe('kill -9 (I2)', () => {
  it(
    'loses no acknowledged entry, two processes at a time, at 20 random moments',
    () =>
      withHome(async (home) => {
        const results = await ordeal(home, 'direct', 20);
        for (const { acknowledged, kept } of results) {
          expect(acknowledged).toBeGreaterThan(0);
          expect(kept).toBeGreaterThanOrEqual(acknowledged);
        }
        for (const { header } of listJournals(home)) expect(isProcessAlive(header!.identity)).toBe('gone');
        for (const { contents } of readAll(home)) expect(contents.every(isContentIntact)).toBe(true);
      }),
    60_000,
  );

  it(
    'loses some when entries rest in memory: the test above can fail',
    () =>
      withHome(async (home) => {
        const results = await ordeal(home, 'buffered', 6);
        expect(results.some(({ acknowledged, kept }) => kept < acknowledged)).toBe(true);
      }),
    60_000,
  );
});
