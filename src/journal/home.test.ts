import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withHome } from '../../test/journal/entries.ts';
import {
  bumpGeneration,
  defaultHome,
  openHome,
  openSealHeads,
  projectToFolder,
  readGeneration,
  readKey,
  readOrCreateKey,
} from './index.ts';

describe('data folder', () => {
  it('is found where each platform keeps such data', () => {
    expect(defaultHome({ TACHOGRAPH_HOME: '/srv/t', HOME: '/home/u' }, 'linux')).toBe('/srv/t');
    expect(defaultHome({ HOME: '/home/u' }, 'linux')).toBe('/home/u/.local/share/tachograph');
    expect(defaultHome({ HOME: '/home/u', XDG_DATA_HOME: '/data' }, 'linux')).toBe('/data/tachograph');
    expect(defaultHome({ HOME: '/home/u', XDG_DATA_HOME: 'relative' }, 'linux')).toBe(
      '/home/u/.local/share/tachograph',
    );
    expect(defaultHome({ HOME: '/Users/u' }, 'darwin')).toBe('/Users/u/Library/Application Support/tachograph');
    expect(defaultHome({ LOCALAPPDATA: 'C:\\Local' }, 'win32')).toBe('C:\\Local\\tachograph');
    expect(defaultHome({ USERPROFILE: 'C:\\Users\\u' }, 'win32')).toBe('C:\\Users\\u\\AppData\\Local\\tachograph');
  });

  it('is made for its owner alone', () =>
    withHome((base) => {
      const home = openHome(join(base, 'a', 'b'));
      for (const part of ['', 'journal', 'keys', 'quarantine'])
        expect(statSync(join(home, part)).mode & 0o777).toBe(0o700);
      expect(openHome(home)).toBe(home);
    }));

  it('that cannot be made is refused with a code and a way out', () =>
    withHome((base) => {
      writeFileSync(join(base, 'file'), '');
      expect(() => openHome(join(base, 'file', 'home'))).toThrow(expect.objectContaining({ code: 'home-unusable' }));
      expect(() => openHome(join(base, 'file', 'home'))).toThrow(/TACHOGRAPH_HOME/);
    }));

  it('keeps each project in a folder of its own, whatever its id', () => {
    const ids = [
      'default',
      'Default',
      '..',
      '.',
      '',
      'a/b',
      'a%2fb',
      'a\\b',
      'ü',
      'con',
      'x'.repeat(300),
      `${'x'.repeat(300)}y`,
      '\0',
      'a b',
    ];
    const folders = ids.map(projectToFolder);
    expect(folders[0]).toBe('default');
    expect(new Set(folders.map((folder) => folder.toLowerCase())).size).toBe(ids.length);
    for (const folder of folders) expect(folder).toMatch(/^[a-z0-9_%-]{1,120}$/);
  });

  it('has a generation that grows', () =>
    withHome((home) => {
      expect(readGeneration(home)).toBe(0);
      expect(bumpGeneration(home)).toBe(1);
      const text = readFileSync(join(home, 'generation'), 'utf8');
      expect(bumpGeneration(home)).toBe(2);
      expect(readFileSync(join(home, 'generation'), 'utf8')).not.toBe(text);
      expect(readGeneration(home)).toBe(2);
      expect(readdirSync(home)).toEqual(['generation']);
    }));
});

describe('keys', () => {
  it('are made once, for their owner alone', () =>
    withHome((home) => {
      expect(readKey(home, 'default.content', 32)).toBe(null);
      const key = readOrCreateKey(home, 'default.content', 32);
      expect(key.length).toBe(32);
      expect(readOrCreateKey(home, 'default.content', 32)).toEqual(key);
      expect(readKey(home, 'default.content', 32)).toEqual(key);
      expect(readOrCreateKey(home, 'default.seal', 32)).not.toEqual(key);
      expect(readdirSync(join(home, 'keys')).sort()).toEqual(['default.content.key', 'default.seal.key']);
      expect(statSync(join(home, 'keys', 'default.content.key')).mode & 0o777).toBe(0o600);
    }));

  it('of a wrong length are refused and left as they are', () =>
    withHome((home) => {
      readOrCreateKey(home, 'p', 32);
      const file = join(home, 'keys', 'p.key');
      chmodSync(file, 0o600);
      writeFileSync(file, 'short');
      expect(() => readOrCreateKey(home, 'p', 32)).toThrow(expect.objectContaining({ code: 'key-broken' }));
      expect(readFileSync(file, 'utf8')).toBe('short');
    }));

  it('are the same for processes that ask at once', () =>
    withHome(async (home) => {
      const script = `import { readOrCreateKey } from '${new URL('./index.ts', import.meta.url).href}';
        while (Date.now() < Number(process.argv[2]));
        process.stdout.write(Buffer.from(readOrCreateKey(process.argv[1], 'p', 32)).toString('hex'));`;
      const ask = (): Promise<string> =>
        new Promise((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', script, home, String(Date.now() + 400)]);
          let text = '';
          child.stdout.on('data', (chunk) => (text += chunk));
          child.stderr.on('data', (chunk) => (text += chunk));
          child.on('close', () => resolve(text));
        });
      const keys = await Promise.all(Array.from({ length: 6 }, ask));
      expect(new Set(keys).size).toBe(1);
      expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    }));
});

describe('heads of seals', () => {
  const digest = 'ab'.repeat(32);

  it('are kept whole, for their owner alone, one for each project', () =>
    withHome((home) => {
      openHome(home);
      const heads = openSealHeads(home);
      expect(heads.read('default')).toBeNull();
      heads.write('default', { number: 1, digest: '00'.repeat(32) });
      heads.write('default', { number: 2, digest });
      heads.write('../Other', { number: 7, digest });
      expect(openSealHeads(home).read('default')).toEqual({ number: 2, digest });
      expect(heads.read('../Other')).toEqual({ number: 7, digest });
      const files = readdirSync(join(home, 'keys'));
      expect(files).toHaveLength(2);
      for (const file of files) expect(statSync(join(home, 'keys', file)).mode & 0o777).toBe(0o600);
    }));

  it('that cannot be read are refused with the file and a way out', () =>
    withHome((home) => {
      openHome(home);
      for (const text of ['', '2', `2 ${digest}`, `-1 ${digest}\n`, `2 ${digest}\n3`]) {
        writeFileSync(join(home, 'keys', 'default.head'), text);
        expect(() => openSealHeads(home).read('default')).toThrow(expect.objectContaining({ code: 'key-broken' }));
        expect(() => openSealHeads(home).read('default')).toThrow('default.head');
      }
    }));
});
