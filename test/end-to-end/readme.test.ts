import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { entries } from '../../scripts/entries.ts';
import { tachograph } from './command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const guides = readdirSync(join(root, 'docs/guides'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs/guides', name));
/** Names of our own entries, as the programs in the text import them, and where their source is. */
const sourceByEntry = new Map(
  entries.map(({ name, source }) => [name, new URL(`../../${source}`, import.meta.url).href]),
);

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

/** Runs a program of the text on the sources. One that is marked to ask a model is run by its capture's own test. */
function runBlock(block: string): { status: number | null; stderr: string } {
  const code = block.replaceAll(/'(tachograph[a-z/-]*)'/g, (text, name: string) =>
    sourceByEntry.has(name) ? JSON.stringify(sourceByEntry.get(name)) : text,
  );
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, TACHOGRAPH_HOME: place.home, MASTRA_TELEMETRY_DISABLED: '1' },
  });
  return { status, stderr };
}

describe('the guides', () => {
  it.each(guides)('%s has programs that work as they stand, and links that lead somewhere', (guide) => {
    const text = readFileSync(join(root, guide), 'utf8');
    for (const [, block] of text.matchAll(/```js\n(.*?)```/gs))
      expect(runBlock(block!)).toEqual({ status: 0, stderr: '' });
    for (const [, link] of text.matchAll(/\]\((?!http)([^)#]+)\)/g))
      expect({ link, isThere: existsSync(join(root, dirname(guide), link!)) }).toEqual({ link, isThere: true });
  });
});

describe('the README', () => {
  it('has a first recording that works as it stands', async () => {
    const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(runBlock(block)).toEqual({ status: 0, stderr: '' });
    const { status, out } = await tachograph(place.home, 'show', 'last');
    expect(status).toBe(0);
    expect(out).toMatch(/agent greeter/);
    expect(out).toMatch(/intact, complete/);
  });

  it('names tests, files and commands that exist', async () => {
    const named = [...readme.matchAll(/\*\(([^)]+)\)\*/g)].flatMap((match) => match[1]!.split(', '));
    expect(named.length).toBeGreaterThan(4);
    for (const path of named) {
      const folder = join(root, dirname(path));
      const isThere =
        existsSync(join(root, path)) || readdirSync(folder).some((name) => name.startsWith(path.split('/').at(-1)!));
      expect({ path, isThere }).toEqual({ path, isThere: true });
    }
    for (const [, link] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g))
      expect({ link, isThere: existsSync(join(root, link!)) }).toEqual({ link, isThere: true });
    const { out } = await tachograph(place.home, '--help');
    const commands = [.../^`run` · .*?\. /ms.exec(readme)![0].matchAll(/`([a-z]+)`/g)].map((match) => match[1]!);
    expect(commands.length).toBeGreaterThan(12);
    for (const command of commands) expect(out).toContain(`  ${command} `);
  });

  it('is true of every command: help with an example', async () => {
    for (const command of [
      'run',
      'serve',
      'ls',
      'show',
      'tail',
      'search',
      'verify',
      'export',
      'import',
      'erase',
      'purge',
      'backup',
      'reprice',
      'rebuild',
      'doctor',
    ]) {
      const { status, out } = await tachograph(place.home, command, '--help');
      expect({ command, status }).toEqual({ command, status: 0 });
      expect(out).toMatch(/Examples:\n {2}\$ tachograph/);
      expect(out).toMatch(/--json/);
    }
  });
});
