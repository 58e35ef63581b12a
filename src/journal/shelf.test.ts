import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEntries, names, readFile, runA, runB, withHome, writerId } from '../../test/journal/entries.ts';
import {
  createJournal,
  currentIdentity,
  isProcessAlive,
  listJournals,
  listQuarantine,
  quarantineJournal,
  readAck,
  removeJournal,
  writeAck,
} from './index.ts';

const isLinux = process.platform === 'linux';

describe('shelf', () => {
  it('lists journals of all projects with what their headers say, broken ones with their error', () =>
    withHome(async (home) => {
      expect(listJournals(home)).toEqual([]);
      for (const projectId of ['one', 'two']) {
        const journal = createJournal({ home, projectId, writerId });
        journal.append(createEntries(runA)('x'));
        await journal.close();
      }
      writeFileSync(join(home, 'journal', 'one', 'a.tgj'), 'something else');
      writeFileSync(join(home, 'journal', 'one', 'b.tgj'), 'TGRA');
      writeFileSync(join(home, 'journal', 'one', 'notes.txt'), 'not ours');
      const found = listJournals(home);
      expect(found.map(({ header, error }) => header?.projectId ?? error?.code ?? null).sort()).toEqual(
        ['journal-broken', null, 'one', 'two'].sort(),
      );
    }));

  it('acknowledges bytes in place and distrusts half an acknowledgement', () =>
    withHome((home) => {
      const file = join(home, 'x.tgj');
      expect(readAck(file)).toBe(null);
      writeAck(file, 1234);
      expect(readAck(file)).toBe(1234);
      writeAck(file, 0);
      expect(readAck(file)).toBe(0);
      writeFileSync(`${file}.ack`, '0000000000000100 0000000000000099\n');
      expect(readAck(file)).toBe(null);
      writeFileSync(`${file}.ack`, '0000000');
      expect(readAck(file)).toBe(null);
      writeFileSync(file, '');
      removeJournal(file);
      removeJournal(file);
      expect(existsSync(file) || existsSync(`${file}.ack`)).toBe(false);
    }));

  it('puts a file aside with its cause', () =>
    withHome((home) => {
      const folder = join(home, 'journal', 'one');
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'broken.tgj');
      const places: string[] = [];
      for (const words of ['first', 'second']) {
        writeFileSync(file, words);
        writeAck(file, 1);
        places.push(quarantineJournal(file, `the ${words} cause`));
      }
      writeFileSync(file, 'third');
      places.push(quarantineJournal(file, 'still written to', { copy: true }));
      expect(existsSync(file)).toBe(true);
      expect(existsSync(`${file}.ack`)).toBe(false);
      expect(places.map((place) => readFileSync(place, 'utf8'))).toEqual(['first', 'second', 'third']);
      expect(readFileSync(`${places[0]}.cause.txt`, 'utf8')).toContain('the first cause');
      expect(
        listQuarantine(home)
          .map(({ file: place }) => place)
          .sort(),
      ).toEqual([...places].sort());
    }));

  it('keeps the files of writers side by side apart', () =>
    withHome(async (home) => {
      const journals = ['0'.repeat(16), '1'.repeat(16)].map((id) =>
        createJournal({ home, projectId: 'p', writerId: id }),
      );
      const nexts = [createEntries(runA, '0'.repeat(16)), createEntries(runB, '1'.repeat(16))];
      for (let i = 0; i < 20; i += 1) for (const side of [0, 1]) journals[side]!.append(nexts[side]!(`${i}`));
      const found = listJournals(home);
      expect(found.map(({ file }) => names(readFile(file)).length)).toEqual([20, 20]);
      for (const journal of journals) await journal.close();
    }));
});

describe('process identity', () => {
  it('says of this process that it lives', () => {
    const identity = currentIdentity(writerId);
    expect(identity).toMatchObject({ writerId, pid: process.pid, host: hostname() });
    expect(isProcessAlive(identity)).toBe('alive');
  });

  it('says gone only when that is certain', () => {
    const identity = currentIdentity(writerId);
    expect(isProcessAlive({ ...identity, host: 'elsewhere' })).toBe('unknown');
    if (!isLinux) return;
    expect(isProcessAlive({ ...identity, processStart: '1' })).toBe('gone');
    expect(isProcessAlive({ ...identity, bootId: `before-the-reboot:${identity.bootId.split(':')[1]}` })).toBe('gone');
    expect(isProcessAlive({ ...identity, bootId: `${identity.bootId.split(':')[0]}:1` })).toBe('unknown');
    expect(isProcessAlive({ ...identity, pid: 2 ** 22 + 1 })).toBe('gone');
  });

  it('says gone of a child that was killed, before and after its parent noticed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const start = isLinux ? readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]! : null;
    const identity = { ...currentIdentity(writerId), pid: child.pid!, processStart: start };
    expect(isProcessAlive(identity)).toBe('alive');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    expect(isProcessAlive(identity)).toBe('gone');
  });
});
