import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventHash, zeroHash } from '../core/record/chain.ts';
import {
  contentOf,
  createEntries,
  names,
  readAll,
  readFile,
  runA,
  runB,
  withHome,
  writerId,
} from '../../test/journal/entries.ts';
import {
  createJournal,
  currentIdentity,
  eraseFromJournals,
  isProcessAlive,
  listJournals,
  quarantineJournal,
  readJournal,
} from './index.ts';
import { frameHeadBytes } from './frame.ts';

const gone = { ...currentIdentity(writerId), processStart: '1' };

describe('erasure in journals', () => {
  it('leaves none of the words of a run in the bytes, and its chain verifies', () =>
    withHome(async (home) => {
      const journal = createJournal({ home, projectId: 'default', writerId, rotateBytes: 4000 });
      const [nextA, nextB] = [createEntries(runA), createEntries(runB)];
      const shared = contentOf('known to both of them');
      journal.append(nextB('opening words of B', [shared]));
      for (let i = 0; i < 20; i += 1) {
        journal.append(nextA(`marmalade ${i}`, [contentOf(`gooseberry ${i}`)]));
        journal.append(nextB(`innocent ${i}`));
      }
      const sizes = listJournals(home).map(({ bytes }) => bytes);
      const done = eraseFromJournals(home, 'default', { runId: runA });
      expect(done).toEqual({ files: sizes.length, events: 20, contents: 20, unreadableBytes: 0 });
      expect(listJournals(home).map(({ bytes }) => bytes)).toEqual(sizes);
      const raw = Buffer.concat(listJournals(home).map(({ file }) => readFileSync(file)));
      expect(raw.includes('marmalade') || raw.includes('gooseberry')).toBe(false);
      expect(raw.includes('known to both') && raw.includes('innocent 19')).toBe(true);

      const entries = readAll(home);
      expect(entries.length).toBe(41);
      let previous = zeroHash;
      for (const { event } of entries.filter(({ event }) => event.header.runId === runA)) {
        expect(event.payload).toBe(null);
        expect(Buffer.from(eventHash(previous, event.header, event.digest))).toEqual(Buffer.from(event.hash));
        previous = event.hash;
      }
      expect(eraseFromJournals(home, 'default', { runId: runA })).toEqual({
        files: 0,
        events: 0,
        contents: 0,
        unreadableBytes: 0,
      });
      expect(eraseFromJournals(home, 'other', { runId: runB }).events).toBe(0);
      await journal.close();
    }));

  it('takes named contents wherever they are carried, and leaves the others', () =>
    withHome(async (home) => {
      const journal = createJournal({ home, projectId: 'default', writerId });
      const [own, shared] = [contentOf('only in A'), contentOf('in both')];
      journal.append(createEntries(runA)('words of A', [own, shared]));
      journal.append(createEntries(runB)('words of B', [own]));
      expect(eraseFromJournals(home, 'default', { runId: runA, contentIds: new Set([own.id]) })).toMatchObject({
        events: 1,
        contents: 2,
      });
      expect(readAll(home).map(({ contents }) => contents.map(({ id }) => id))).toEqual([[shared.id], []]);
      await journal.close();
    }));

  it('goes on beside a live writer', () =>
    withHome(async (home) => {
      const journal = createJournal({ home, projectId: 'default', writerId });
      const [nextA, nextB] = [createEntries(runA), createEntries(runB)];
      for (let i = 0; i < 50; i += 1) {
        expect(journal.append(nextA(`damson ${i}`))).toBe('kept');
        if (i % 10 === 9) eraseFromJournals(home, 'default', { runId: runA });
        expect(journal.append(nextB(`stays ${i}`))).toBe('kept');
      }
      const entries = readAll(home);
      expect(entries.length).toBe(100);
      expect(readFileSync(listJournals(home)[0]!.file).includes('damson')).toBe(false);
      expect(entries.filter(({ event }) => event.payload !== null).length).toBe(50);
      await journal.close();
    }));

  it('leaves the tail of a live writer alone, and clears that of a dead one', () =>
    withHome(async (home) => {
      for (const [identity, isCleared] of [
        [undefined, false],
        [gone, true],
      ] as const) {
        const projectId = isCleared ? 'dead' : 'live';
        const journal = createJournal({ home, projectId, writerId, ...(identity === undefined ? {} : { identity }) });
        journal.append(createEntries(runA)('words'));
        await journal.close();
        const { file, bytes } = listJournals(home).find(({ name }) => name.startsWith(projectId))!;
        appendFileSync(file, readFileSync(file).subarray(bytes - 150, bytes - 1));
        appendFileSync(file, 'half a quince');
        expect(readJournal(file, 0).end).toBe('torn');
        eraseFromJournals(home, projectId, { runId: runB });
        expect(readFileSync(file).includes('quince')).toBe(!isCleared);
      }
    }));

  it('clears what can no longer be read, in quarantine too', () =>
    withHome(async (home) => {
      const journal = createJournal({ home, projectId: 'default', writerId });
      const next = createEntries(runA);
      for (const words of ['first', 'damaged medlar', 'third']) journal.append(next(words));
      await journal.close();
      const { file, header } = listJournals(home)[0]!;
      const bytes = readFileSync(file);
      const second = readJournal(file, header!.bytes, { maxBytes: 1 }).nextBytes;
      bytes[second + frameHeadBytes]! ^= 1;
      writeFileSync(file, bytes);
      const aside = quarantineJournal(file, 'a bit flipped', { copy: true });
      const done = eraseFromJournals(home, 'default', { runId: runB });
      expect(done.files).toBe(2);
      expect(done.unreadableBytes).toBeGreaterThan(200);
      for (const path of [file, aside]) {
        expect(readFileSync(path).includes('medlar')).toBe(false);
        expect(names(readFile(path))).toEqual(['1111/1', '1111/3']);
      }
    }));

  it('erases elsewhere before it says that a newer file was out of reach', () =>
    withHome(async (home) => {
      const journal = createJournal({ home, projectId: 'default', writerId, rotateBytes: 300 });
      const next = createEntries(runA);
      journal.append(next('one'));
      journal.append(next('sloe'));
      await journal.close();
      const [newer, other] = listJournals(home);
      const bytes = readFileSync(newer!.file);
      bytes.writeUInt16LE(9, 8);
      writeFileSync(newer!.file, bytes);
      expect(() => eraseFromJournals(home, 'default', { runId: runA })).toThrow(/format version 9/);
      expect(readFileSync(other!.file).includes('sloe')).toBe(false);
    }));

  it('knows the identity used here for a dead process', () => {
    expect(isProcessAlive(gone)).toBe(process.platform === 'linux' ? 'gone' : 'alive');
  });
});
