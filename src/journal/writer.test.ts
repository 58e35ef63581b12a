import { spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  entriesOf,
  journalIn,
  names,
  plain,
  readAll,
  runA,
  sleep,
  withHome,
  writerId,
} from '../../test/journal/entries.ts';
import { createFaultyFiles, createHandClock } from '../../test/journal/faulty-files.ts';
import { bumpGeneration, listJournals, systemFiles, writeAck } from './index.ts';

describe('writer (I2)', () => {
  it('has written an entry when append returns', () =>
    withHome(async (home) => {
      const journal = journalIn(home);
      expect(listJournals(home)).toEqual([]);
      const entries = entriesOf(20);
      for (const [i, entry] of entries.entries()) {
        expect(journal.append(entry)).toBe('kept');
        expect(readAll(home).length).toBe(i + 1);
      }
      expect(readAll(home).map(plain)).toEqual(entries.map(plain));
      expect(await journal.flush()).toEqual({ state: 'durable', written: 20, lost: 0 });
      await journal.close();
      expect(statSync(listJournals(home)[0]!.file).mode & 0o777).toBe(0o600);
      expect(statSync(join(home, 'journal', 'default')).mode & 0o777).toBe(0o700);
    }));

  it('keeps several entries by one write, in order', () =>
    withHome(async (home) => {
      let writes = 0;
      const journal = journalIn(home, {
        fs: { ...systemFiles, write: (...call) => ((writes += 1), systemFiles.write(...call)) },
      });
      const entries = entriesOf(40, runA, 3000);
      expect(journal.append(entries[0]!)).toBe('kept');
      writes = 0;
      expect(journal.appendAll!(entries.slice(1))).toBe('kept');
      expect(writes).toBe(1);
      expect(readAll(home).map(plain)).toEqual(entries.map(plain));
      expect(await journal.flush()).toEqual({ state: 'durable', written: 40, lost: 0 });
      await journal.close();
    }));

  it('names itself in the header of its file', () =>
    withHome(async (home) => {
      const journal = journalIn(home, { projectId: 'Team/../A' });
      journal.append(entriesOf(1)[0]!);
      const [found] = listJournals(home);
      expect(found).toMatchObject({
        error: null,
        header: { projectId: 'Team/../A', identity: { writerId, pid: process.pid } },
      });
      expect(found!.name).toMatch(/^%54eam%2f%2e%2e%2f%41\/\d{8}T\d{9}Z-\d+-0123456789abcdef\.tgj$/);
      await journal.close();
    }));

  it('syncs each append in power mode', () =>
    withHome(async (home) => {
      const calls: string[] = [];
      const fs = createFaultyFiles(({ kind }) => (calls.push(kind), null));
      const journal = journalIn(home, { durability: 'power', fs });
      for (const entry of entriesOf(3)) expect(journal.append(entry)).toBe('kept');
      expect(calls.filter((kind) => kind === 'sync').length).toBe(3);
      expect(calls.filter((kind) => kind === 'syncName').length).toBe(1);
      await journal.close();
    }));

  it('goes to the background after a slow write, keeps the order, and comes back', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      let isSlow = true;
      const fs = {
        ...systemFiles,
        write: (...call: Parameters<typeof systemFiles.write>) => {
          if (isSlow) clock.pass(51);
          return systemFiles.write(...call);
        },
        writeLater: async (...call: Parameters<typeof systemFiles.writeLater>) => {
          if (isSlow) clock.pass(51);
          return systemFiles.writeLater(...call);
        },
      };
      const journal = journalIn(home, { fs, clock });
      const entries = entriesOf(30);
      const outcomes = [];
      for (const [i, entry] of entries.entries()) {
        if (i === 20) {
          isSlow = false;
          await journal.flush();
        }
        outcomes.push(journal.append(entry));
        if (i === 22) await journal.flush();
      }
      await journal.close();
      expect(outcomes[0]).toBe('kept');
      expect(outcomes.slice(1, 20)).toEqual(Array.from({ length: 19 }, () => 'degraded'));
      expect(outcomes.slice(23)).toEqual(Array.from({ length: 7 }, () => 'kept'));
      expect(names(readAll(home))).toEqual(names(entries));
    }));

  it('goes on in a new file past the size, in an order that names keep', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      const journal = journalIn(home, { clock, rotateBytes: 2000 });
      const entries = entriesOf(60);
      for (const entry of entries) expect(journal.append(entry)).toBe('kept');
      await journal.close();
      expect(listJournals(home).length).toBeGreaterThan(10);
      expect(listJournals(home).every(({ bytes }) => bytes <= 2000)).toBe(true);
      expect(names(readAll(home))).toEqual(names(entries));
    }));

  it('changes generation within 100 ms of an erasure, and not otherwise', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      const journal = journalIn(home, { clock });
      const before = journal.generation();
      journal.append(entriesOf(1)[0]!);
      clock.pass(500);
      expect(journal.generation()).toBe(before);
      bumpGeneration(home);
      clock.pass(99);
      expect(journal.generation()).toBe(before);
      clock.pass(1);
      const after = journal.generation();
      expect(after).not.toBe(before);
      clock.pass(500);
      expect(journal.generation()).toBe(after);
      await journal.close();
    }));

  it('makes a new file when the data folder is deleted under it', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      const journal = journalIn(home, { clock });
      const entries = entriesOf(2);
      const before = journal.generation();
      journal.append(entries[0]!);
      rmSync(home, { recursive: true });
      clock.pass(200);
      expect(journal.generation()).not.toBe(before);
      expect(journal.append(entries[1]!)).toBe('kept');
      expect(names(readAll(home))).toEqual(names(entries.slice(1)));
      await journal.close();
    }));

  it('waits for the index to say that it has everything', () =>
    withHome(async (home) => {
      const journal = journalIn(home, { rotateBytes: 1500 });
      for (const entry of entriesOf(10)) journal.append(entry);
      expect(await journal.flush({ to: 'index', timeoutMs: 30 })).toMatchObject({ state: 'timeout', written: 10 });
      const files = listJournals(home);
      expect(files.length).toBeGreaterThan(1);
      for (const { file, bytes } of files.slice(0, -1)) writeAck(file, bytes);
      const last = files.at(-1)!;
      writeAck(last.file, last.bytes - 1);
      expect((await journal.flush({ to: 'index', timeoutMs: 30 })).state).toBe('timeout');
      const waiting = journal.flush({ to: 'index', timeoutMs: 5000 });
      await sleep(10);
      writeAck(last.file, last.bytes);
      expect(await waiting).toEqual({ state: 'index', written: 10, lost: 0 });
      await journal.close();
    }));

  it(
    'keeps no process alive that has nothing else to do',
    () =>
      withHome(async (home) => {
        writeFileSync(join(home, 'file'), '');
        const script = `import { createJournal } from '${new URL('./index.ts', import.meta.url).href}';
        import { createEntries } from '${new URL('../../test/journal/entries.ts', import.meta.url).href}';
        const journal = createJournal({ home: process.argv[1], projectId: 'p', writerId: '0123456789abcdef' });
        process.stdout.write(journal.append(createEntries('r')('x')));`;
        const outcome = spawnSync(process.execPath, ['--input-type=module', '-e', script, join(home, 'file', 'home')], {
          timeout: 10_000,
        });
        expect(outcome.stderr.toString()).toBe('');
        expect(outcome).toMatchObject({ status: 0, signal: null });
        expect(outcome.stdout.toString()).toBe('degraded');
      }),
    15_000,
  );

  it('opens another file for what comes after close', () =>
    withHome(async (home) => {
      const journal = journalIn(home);
      const entries = entriesOf(2);
      journal.append(entries[0]!);
      await journal.close();
      await journal.close();
      expect(journal.append(entries[1]!)).toBe('kept');
      expect(names(readAll(home))).toEqual(names(entries));
      await journal.close();
    }));
});
