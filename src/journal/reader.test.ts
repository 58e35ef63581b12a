import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TachographError } from '../core/error.ts';
import type { JournalEntry } from '../core/journal.ts';
import { contentOf, createEntries, names, plain, runA, withHome, writerId } from '../../test/journal/entries.ts';
import { frameMarker } from './frame.ts';
import { createJournal, listJournals, readJournal, readJournalHeader } from './index.ts';

interface Written {
  readonly home: string;
  readonly file: string;
  readonly entries: readonly JournalEntry[];
  readonly bytes: Buffer;
  /** Where each entry's frame begins, and where the last ends. */
  readonly bounds: readonly number[];
}

async function withJournal(count: number, work: (written: Written) => void | Promise<void>): Promise<void> {
  await withHome(async (home) => {
    const journal = createJournal({ home, projectId: 'default', writerId });
    const next = createEntries(runA);
    const entries = Array.from({ length: count }, (_, i) =>
      next(`words ${i}`, [contentOf(`content ${i} ${'y'.repeat(40)}`)]),
    );
    for (const entry of entries) expect(journal.append(entry)).toBe('kept');
    await journal.close();
    const file = listJournals(home)[0]!.file;
    const bounds = [readJournalHeader(file)!.bytes];
    for (let i = 0; i < count; i += 1) bounds.push(readJournal(file, bounds[i]!, { maxBytes: 1 }).nextBytes);
    await work({ home, file, entries, bytes: readFileSync(file), bounds });
  });
}

describe('reader', () => {
  it('reads entries in order, in parts of bounded size', () =>
    withJournal(30, ({ file, entries, bytes }) => {
      const seen: JournalEntry[] = [];
      let parts = 0;
      for (let at = 0; ; parts += 1) {
        const part = readJournal(file, at, { maxBytes: 1000 });
        seen.push(...part.entries);
        at = part.nextBytes;
        if (part.end === 'more') continue;
        expect(part).toMatchObject({ end: 'clean', nextBytes: bytes.length, fileBytes: bytes.length, damage: [] });
        break;
      }
      expect(seen.map(plain)).toEqual(entries.map(plain));
      expect(parts).toBeGreaterThan(5);
    }));

  it('yields exactly the whole entries for every byte-prefix', () =>
    withJournal(4, ({ home, entries, bytes, bounds }) => {
      const cut = join(home, 'cut.tgj');
      for (let length = 0; length <= bytes.length; length += 1) {
        writeFileSync(cut, bytes.subarray(0, length));
        const part = readJournal(cut, 0);
        const whole = bounds.filter((bound) => bound <= length).length - 1;
        expect(part.entries.length).toBe(Math.max(0, whole));
        expect(names(part.entries)).toEqual(names(entries.slice(0, Math.max(0, whole))));
        expect(part.damage).toEqual([]);
        expect(part.end).toBe(length === 0 || bounds.includes(length) ? 'clean' : 'torn');
        expect(part.nextBytes).toBe(whole < 0 ? 0 : bounds[whole]);
      }
    }));

  it('goes on where it stopped once a torn tail is completed', () =>
    withJournal(2, ({ home, bytes, bounds, entries }) => {
      const live = join(home, 'live.tgj');
      writeFileSync(live, bytes.subarray(0, bounds[1]! + 20));
      const first = readJournal(live, 0);
      expect(first.end).toBe('torn');
      appendFileSync(live, bytes.subarray(bounds[1]! + 20));
      const second = readJournal(live, first.nextBytes);
      expect(second).toMatchObject({ end: 'clean', damage: [] });
      expect(names(second.entries)).toEqual(names(entries.slice(1)));
    }));

  it('detects a flip of every single byte, names the region, and reads on behind it', () =>
    withJournal(3, ({ home, bytes, bounds, entries }) => {
      const flipped = join(home, 'flipped.tgj');
      for (let at = bounds[1]!; at < bounds[2]!; at += 1) {
        const copy = Buffer.from(bytes);
        copy[at]! ^= 0x55;
        writeFileSync(flipped, copy);
        const part = readJournal(flipped, 0, { maxBytes: 500 });
        const rest = readJournal(flipped, part.nextBytes);
        const read = [...part.entries, ...rest.entries];
        const damage = [...part.damage, ...rest.damage];
        expect(read.map(plain)).toEqual([entries[0], entries[2]].map((e) => plain(e!)));
        expect(damage).toEqual([{ offset: bounds[1], bytes: bounds[2]! - bounds[1]!, cause: 'checksum' }]);
      }
    }));

  it('takes damage without a sound frame behind it for a torn tail', () =>
    withJournal(2, ({ home, bytes, bounds }) => {
      const flipped = join(home, 'flipped.tgj');
      const copy = Buffer.from(bytes);
      copy[bounds[1]! + 30]! ^= 1;
      writeFileSync(flipped, copy);
      expect(readJournal(flipped, 0)).toMatchObject({ end: 'torn', nextBytes: bounds[1] });
    }));

  it('is not misled by frame markers inside a damaged region', () =>
    withJournal(2, ({ home, bytes, bounds, entries }) => {
      const file = join(home, 'markers.tgj');
      const noise = Buffer.concat([
        ...Array.from({ length: 50 }, () => frameMarker),
        bytes.subarray(bounds[0]!, bounds[1]! - 1),
      ]);
      writeFileSync(file, Buffer.concat([bytes.subarray(0, bounds[1]), noise, bytes.subarray(bounds[1]!)]));
      const part = readJournal(file, 0);
      expect(names(part.entries)).toEqual(names(entries));
      expect(part.damage).toEqual([{ offset: bounds[1], bytes: noise.length, cause: 'checksum' }]);
    }));

  it('steps over frames of a kind it does not know', () =>
    withJournal(2, async ({ home, bytes, bounds }) => {
      const { sealFrame, frameHeadBytes } = await import('./frame.ts');
      const strange = Buffer.alloc(frameHeadBytes + 40, 7);
      sealFrame(strange, 0, 40, 200);
      const file = join(home, 'strange.tgj');
      writeFileSync(file, Buffer.concat([bytes.subarray(0, bounds[1]), strange, bytes.subarray(bounds[1]!)]));
      const part = readJournal(file, 0);
      expect(part).toMatchObject({ end: 'clean', damage: [] });
      expect(part.entries.length).toBe(2);
    }));

  it('refuses a newer major and what is no journal, each by its code', () =>
    withJournal(1, ({ home, bytes }) => {
      const codeOf = (change: (copy: Buffer) => void): string => {
        const copy = Buffer.from(bytes);
        change(copy);
        const file = join(home, 'other.tgj');
        writeFileSync(file, copy);
        try {
          readJournal(file, 0);
        } catch (error) {
          expect(error).toBeInstanceOf(TachographError);
          expect((error as Error).message).toContain(file);
          return (error as TachographError).code;
        }
        return 'none';
      };
      expect(codeOf((copy) => copy.writeUInt16LE(2, 8))).toBe('journal-newer');
      expect(codeOf((copy) => copy.write('SQLite format 3', 0))).toBe('journal-broken');
      expect(codeOf((copy) => copy.writeUInt32LE(0xffffffff, 12))).toBe('journal-broken');
      for (const at of [10, 16, 25, 40]) expect(codeOf((copy) => void (copy[at]! ^= 1))).toBe('journal-broken');
      expect(() => readJournal(join(home, 'absent.tgj'), 0)).toThrow(TachographError);
    }));
});
