import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Journal } from '../core/journal.ts';
import {
  createEntries,
  entriesOf,
  journalIn,
  names,
  plain,
  readAll,
  readFile,
  runA,
  runB,
  sleep,
  withHome,
} from '../../test/journal/entries.ts';
import { createFaultyFiles, createHandClock } from '../../test/journal/faulty-files.ts';
import { listJournals, readJournal, systemFiles } from './index.ts';

/** Sums what a journal says it lost, until it says nothing more. */
const lossesOf = (journal: Journal): { events: number; reasons: string[] } => {
  const lost = { events: 0, reasons: [] as string[] };
  for (let loss = journal.takeLoss(); loss !== null; loss = journal.takeLoss()) {
    lost.reasons.push(loss.reason);
    for (const events of loss.eventsByRun.values()) lost.events += events;
  }
  return lost;
};

describe('writer on a disk that fails (I1)', () => {
  it('keeps bounded memory while the disk is slow, and counts what does not fit by run', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const fs = {
        ...systemFiles,
        write: (...call: Parameters<typeof systemFiles.write>) => (clock.pass(60), systemFiles.write(...call)),
        writeLater: async (...call: Parameters<typeof systemFiles.writeLater>) => (
          await gate,
          systemFiles.writeLater(...call)
        ),
      };
      const journal = journalIn(home, { fs, clock, limits: { backlogBytesMax: 10_000 } });
      const [a, b] = [entriesOf(20, runA, 600), entriesOf(5, runB, 600)];
      const outcomes = [...a, ...b].map((entry) => journal.append(entry));
      expect(journal.takeLoss()).toBe(null);
      expect(outcomes.at(-1)).toBe('lost');
      release();
      await journal.flush();
      const loss = journal.takeLoss()!;
      expect(loss.reason).toBe('backlog-full');
      expect(loss.eventsByRun.get(runB)).toBe(5);
      const kept = outcomes.filter((outcome) => outcome !== 'lost').length;
      expect(loss.eventsByRun.get(runA)).toBe(20 - kept);
      expect(loss.contents).toBe(25 - kept);
      expect(names(readAll(home))).toEqual(names(a.slice(0, kept)));
      expect(journal.takeLoss()).toBe(null);
      await journal.close();
    }));

  it('keeps what was to be one write when the disk refuses it halfway, and counts what is too large', () =>
    withHome(async (home) => {
      let isFailing = false;
      // The second write of the batch's bytes fails: its beginning is torn off in the file.
      const fs = createFaultyFiles(({ kind }) => {
        if (!isFailing || kind !== 'write') return null;
        isFailing = false;
        return 700;
      });
      const refusing = {
        ...fs,
        write: (...call: Parameters<typeof fs.write>) => {
          const written = fs.write(...call);
          if (written < call[2].length) throw Object.assign(new Error('EIO: made to fail'), { code: 'EIO' });
          return written;
        },
      };
      const journal = journalIn(home, { fs: refusing, onError: () => undefined });
      const entries = entriesOf(6, runA, 400);
      expect(journal.append(entries[0]!)).toBe('kept');
      isFailing = true;
      expect(journal.appendAll!(entries.slice(1, 4))).toBe('degraded');
      expect(await journal.flush()).toMatchObject({ state: 'durable', written: 4, lost: 0 });
      const broken = { ...entries[5]!, event: { ...entries[5]!.event, digest: null as unknown as Uint8Array } };
      expect(journal.appendAll!([entries[4]!, broken])).toBe('lost');
      await journal.flush();
      expect(names(readAll(home))).toEqual(names(entries.slice(0, 5)));
      expect(lossesOf(journal)).toEqual({ events: 1, reasons: ['backlog-full'] });
      await journal.close();
    }));

  it('says a gap when a full disk has space again', () =>
    withHome(async (home) => {
      let isFull = false;
      const fs = createFaultyFiles(({ kind }) => (isFull && kind.startsWith('write') ? 'ENOSPC' : null));
      const told: unknown[] = [];
      const journal = journalIn(home, { fs, limits: { backlogBytesMax: 3000 }, onError: (error) => told.push(error) });
      const entries = entriesOf(40);
      const outcomes: string[] = [];
      for (const [i, entry] of entries.entries()) {
        isFull = i >= 5;
        outcomes.push(journal.append(entry));
      }
      expect(await journal.flush({ timeoutMs: 50 })).toMatchObject({ state: 'timeout' });
      expect(journal.takeLoss()).toBe(null);
      expect(names(readAll(home))).toEqual(names(entries.slice(0, 5)));
      isFull = false;
      const receipt = await journal.flush();
      const kept = entries.filter((_, i) => outcomes[i] !== 'lost');
      expect(receipt).toEqual({ state: 'durable', written: kept.length, lost: 40 - kept.length });
      expect(names(readAll(home))).toEqual(names(kept));
      expect(lossesOf(journal)).toEqual({ events: 40 - kept.length, reasons: ['disk-full'] });
      expect(told.length).toBe(1);
      expect(journal.append(createEntries(runB)('after'))).toBe('kept');
      await journal.close();
    }));

  it('completes a write that the disk cut short', () =>
    withHome(async (home) => {
      const fs = createFaultyFiles(({ kind, count }) =>
        kind === 'write' && count % 3 !== 0 ? (count * 7) % 90 : null,
      );
      const journal = journalIn(home, { fs });
      const entries = entriesOf(50);
      for (const entry of entries) journal.append(entry);
      await journal.close();
      expect(readAll(home).map(plain)).toEqual(entries.map(plain));
    }));

  it('leaves no torn bytes between frames when a write fails halfway', () =>
    withHome(async (home) => {
      let strikes = 0;
      const fs = createFaultyFiles(({ kind, count }) => {
        if (kind !== 'write' && kind !== 'writeLater') return null;
        strikes += 1;
        return count % 5 === 3 ? 40 : count % 5 === 4 ? 'EIO' : null;
      });
      const journal = journalIn(home, { fs });
      const entries = entriesOf(30);
      for (const entry of entries) {
        journal.append(entry);
        await journal.flush();
      }
      await journal.close();
      expect(strikes).toBeGreaterThan(30);
      const [found] = listJournals(home);
      expect(readFile(found!.file).map(plain)).toEqual(entries.map(plain));
      expect(names(readAll(home))).toEqual(names(entries));
    }));

  const kinds = [
    'create',
    'write',
    'writeLater',
    'sync',
    'syncLater',
    'syncName',
    'close',
    'readText',
    'isLinked',
  ] as const;
  const codes = ['EIO', 'ENOSPC', 'EAGAIN', 'EBADF', 'EMFILE'];
  for (const kind of kinds) {
    for (const durability of ['process', 'power'] as const) {
      it(`never throws and counts exactly when ${kind} fails at its nth call in ${durability} mode`, async () => {
        for (let n = 1; n <= 6; n += 1) {
          await withHome(async (home) => {
            const fs = createFaultyFiles((call) =>
              call.kind === kind && call.count === n ? codes[n % codes.length]! : null,
            );
            const journal = journalIn(home, {
              fs,
              durability,
              rotateBytes: 1500,
              onError: () => {
                throw new Error('the host objects');
              },
            });
            const entries = entriesOf(20);
            const outcomes: string[] = [];
            for (const [i, entry] of entries.entries()) {
              journal.generation();
              outcomes.push(journal.append(entry));
              if (i % 7 === 6) expect((await journal.flush({ timeoutMs: 2000 })).state).toBe('durable');
            }
            const receipt = await journal.flush();
            await journal.close();
            const there = new Set(names(readAll(home)));
            expect(outcomes).not.toContain('lost');
            expect(receipt).toEqual({ state: 'durable', written: 20, lost: 0 });
            expect([...there].sort()).toEqual(names(entries).sort());
            expect(journal.takeLoss()).toBe(null);
          });
        }
      });
    }
  }

  it('gives up a file whose sync failed, writes its unsynced tail again, and changes generation', () =>
    withHome(async (home) => {
      const fs = createFaultyFiles(({ kind, count }) => (kind === 'syncLater' && count === 2 ? 'EIO' : null));
      const journal = journalIn(home, { fs });
      const entries = entriesOf(9);
      const before = journal.generation();
      for (const entry of entries.slice(0, 3)) journal.append(entry);
      await journal.flush();
      for (const entry of entries.slice(3, 6)) journal.append(entry);
      expect(await journal.flush()).toEqual({ state: 'durable', written: 6, lost: 0 });
      expect(journal.generation()).not.toBe(before);
      for (const entry of entries.slice(6)) expect(journal.append(entry)).toBe('kept');
      await journal.close();
      const [old, fresh] = listJournals(home);
      expect(names(readFile(old!.file))).toEqual(names(entries.slice(0, 6)));
      expect(names(readFile(fresh!.file))).toEqual(names(entries.slice(3)));
    }));

  it('acknowledges nothing by a sync that fails again and again', () =>
    withHome(async (home) => {
      const fs = createFaultyFiles(({ kind }) => (kind.startsWith('sync') && kind !== 'syncName' ? 'EIO' : null));
      const power = journalIn(home, { fs, durability: 'power' });
      expect(power.append(entriesOf(1)[0]!)).toBe('degraded');
      expect((await power.flush({ timeoutMs: 30 })).state).toBe('timeout');
      const soft = journalIn(home, { fs, projectId: 'soft' });
      expect(soft.append(entriesOf(1)[0]!)).toBe('kept');
      expect((await soft.flush({ timeoutMs: 5000 })).state).toBe('timeout');
      expect(listJournals(home).filter(({ name }) => name.startsWith('soft/')).length).toBeLessThanOrEqual(3);
    }));

  it('does not leave half a frame behind in a full file', () =>
    withHome(async (home) => {
      const fs = createFaultyFiles(({ kind, count }) =>
        kind !== 'write' ? null : count === 3 ? 30 : count === 4 ? 'EIO' : null,
      );
      const journal = journalIn(home, { fs, rotateBytes: 1700 });
      const entries = entriesOf(8);
      const outcomes = entries.map((entry) => journal.append(entry));
      expect(outcomes.slice(0, 3)).toEqual(['kept', 'degraded', 'degraded']);
      await journal.close();
      for (const { file } of listJournals(home)) expect(readJournal(file, 0).end).toBe('clean');
      expect(names(readAll(home))).toEqual(names(entries));
    }));

  it('says durable only when a rescue that had to wait for the background is done too', () =>
    withHome(async (home) => {
      const clock = createHandClock();
      let syncs = 0;
      const fs = {
        ...systemFiles,
        write: (...call: Parameters<typeof systemFiles.write>) => (clock.pass(60), systemFiles.write(...call)),
        writeLater: async (...call: Parameters<typeof systemFiles.writeLater>) => (
          await sleep(40),
          systemFiles.writeLater(...call)
        ),
        syncLater: async (fd: number) => {
          await sleep(10);
          if (syncs++ === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' });
          await systemFiles.syncLater(fd);
        },
      };
      const journal = journalIn(home, { fs, clock, rotateBytes: 1300 });
      const entries = entriesOf(6);
      expect(entries.map((entry) => journal.append(entry)).slice(0, 2)).toEqual(['kept', 'degraded']);
      const [full] = listJournals(home);
      expect((await journal.flush()).state).toBe('durable');
      rmSync(full!.file);
      expect([...new Set(names(readAll(home)))].sort()).toEqual(names(entries).sort());
      await journal.close();
    }));

  it('says durable only when what a failed sync left behind is written again', () =>
    withHome(async (home) => {
      const fs = {
        ...systemFiles,
        syncLater: async (fd: number) => {
          await sleep(20);
          if (syncs++ === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' });
          await systemFiles.syncLater(fd);
        },
      };
      let syncs = 0;
      const journal = journalIn(home, { fs, rotateBytes: 1300 });
      const entries = entriesOf(4);
      for (const entry of entries) journal.append(entry);
      const [full] = listJournals(home);
      expect((await journal.flush()).state).toBe('durable');
      rmSync(full!.file);
      expect([...new Set(names(readAll(home)))].sort()).toEqual(names(entries).sort());
      await journal.close();
    }));

  it('leaves a descriptor that somebody else has closed', () =>
    withHome(async (home) => {
      const bad = new Set<number>();
      const fs = {
        ...systemFiles,
        write(...call: Parameters<typeof systemFiles.write>) {
          if (bad.has(call[0])) throw Object.assign(new Error('EBADF'), { code: 'EBADF' });
          return systemFiles.write(...call);
        },
        create(path: string) {
          const fd = systemFiles.create(path);
          fds.push(fd);
          return fd;
        },
      };
      const fds: number[] = [];
      const journal = journalIn(home, { fs: { ...fs, writeLater: async (...call) => fs.write(...call) } });
      const entries = entriesOf(3);
      journal.append(entries[0]!);
      bad.add(fds[0]!);
      for (const entry of entries.slice(1)) journal.append(entry);
      expect(await journal.flush()).toEqual({ state: 'durable', written: 3, lost: 0 });
      expect(names(readAll(home))).toEqual(names(entries));
      await journal.close();
      systemFiles.close(fds[0]!);
    }));

  it('closes no file that another thread still works on', () =>
    withHome(async (home) => {
      const closed: number[] = [];
      const busy: number[] = [];
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const fs = {
        ...systemFiles,
        syncLater: async (fd: number) => {
          busy.push(fd);
          if (busy.length === 1) await gate;
          await systemFiles.syncLater(fd);
        },
        close: (fd: number) => {
          closed.push(fd);
          systemFiles.close(fd);
        },
      };
      const journal = journalIn(home, { fs, rotateBytes: 1300 });
      const entries = entriesOf(6);
      journal.append(entries[0]!);
      const flushing = journal.flush();
      await sleep(5);
      for (const entry of entries.slice(1)) journal.append(entry);
      await sleep(20);
      expect(listJournals(home).length).toBeGreaterThan(1);
      expect(closed).not.toContain(busy[0]);
      release();
      expect((await flushing).state).toBe('durable');
      await journal.close();
      expect(closed.length).toBe(listJournals(home).length);
    }));

  it(
    'counts what it could not write before it was closed',
    () =>
      withHome(async (home) => {
        const fs = createFaultyFiles(({ kind }) => (kind === 'create' ? 'EACCES' : null));
        const journal = journalIn(home, { fs });
        for (const entry of entriesOf(3)) expect(journal.append(entry)).toBe('degraded');
        expect(await journal.flush({ timeoutMs: 20 })).toEqual({ state: 'timeout', written: 0, lost: 0 });
        const closing = journal.close();
        await closing;
        expect(await journal.flush({ timeoutMs: 20 })).toMatchObject({ written: 0, lost: 3 });
      }),
    10_000,
  );

  it('loses what cannot be encoded, and says so', () =>
    withHome(async (home) => {
      const journal = journalIn(home);
      const [entry] = entriesOf(1);
      expect(journal.append({ ...entry!, event: { ...entry!.event, digest: null as unknown as Uint8Array } })).toBe(
        'lost',
      );
      expect(lossesOf(journal).events).toBe(1);
      expect(journal.append(entry!)).toBe('kept');
      await journal.close();
    }));
});
