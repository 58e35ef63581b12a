import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../node.ts';
import { crowdedFolders, foldersInTree, foldersOf, longFiles, nameBreaches, sizeBreaches } from './shape.ts';
import { codeEndings, readFiles } from './source.ts';

const folders = ['src', 'web/src', 'web/test', 'test', 'scripts', 'bench', 'examples', 'bin'];
const files = folders.flatMap((folder) => readFiles(folder, [...codeEndings, '.css']));

function sample(path: string, lines: number): { path: string; text: string } {
  return { path, text: 'x\n'.repeat(lines) };
}

describe('sizes', () => {
  test('no file is too long', () => {
    const long = longFiles(files);
    if (long.length > 0) console.log(`over 300 lines, look again:\n  ${long.join('\n  ')}`);
    expect(sizeBreaches(files)).toEqual([]);
  });

  test('a file of 501 lines and a test of 601 are seen', () => {
    expect(sizeBreaches([sample('src/a.ts', 500), sample('src/b.ts', 501)])).toEqual(['src/b.ts has 501 lines']);
    expect(sizeBreaches([sample('src/a.test.ts', 600), sample('src/b.test.ts', 601)])).toHaveLength(1);
    expect(longFiles([sample('src/a.ts', 300), sample('src/b.ts', 301)])).toEqual(['src/b.ts (301 lines)']);
  });

  test('no folder is crowded', () => {
    expect(crowdedFolders(files)).toEqual([]);
  });

  test('a sixteenth file is seen, a test is not counted', () => {
    const fifteen = Array.from({ length: 15 }, (_, index) => sample(`src/x/a${index}.ts`, 1));
    expect(crowdedFolders([...fifteen, sample('src/x/b.test.ts', 1)])).toEqual([]);
    expect(crowdedFolders([...fifteen, sample('src/x/b.ts', 1)])).toEqual(['src/x has 16 source files']);
  });
});

describe('names', () => {
  test('files and folders are nouns in kebab-case', () => {
    expect(nameBreaches(files.map((file) => file.path))).toEqual([]);
  });

  test.each(['src/core/eventTypes.ts', 'src/core/Event.ts', 'src/core/run_row.ts', 'src/Core/event.ts'])(
    '%s is no kebab-case',
    (path) => {
      expect(nameBreaches([path])).toHaveLength(1);
    },
  );

  test.each([
    'src/core/utils.ts',
    'src/core/string-utils.ts',
    'src/common/a.ts',
    'src/core/types.ts',
    'src/run-manager.test.ts',
  ])('%s says nothing', (path) => {
    expect(nameBreaches([path])).toHaveLength(1);
  });
});

describe('the tree in ARCHITECTURE.md', () => {
  test('names every folder of src and nothing else', () => {
    const file = join(root, 'ARCHITECTURE.md');
    expect(existsSync(file), 'ARCHITECTURE.md is missing').toBe(true);
    expect(foldersInTree(readFileSync(file, 'utf8'))).toEqual(foldersOf(readFiles('src', codeEndings)));
  });

  test('a folder without a line and a line without a folder are seen', () => {
    const tree =
      'src/prose/ outside\n```\nsrc/core/          what it is\nsrc/core/gone/     was here\nsrc/journal/\n```\n';
    expect(foldersInTree(tree)).toEqual(['src/core/', 'src/core/gone/']);
    expect(foldersOf([sample('src/core/new/a.ts', 1), sample('src/index.ts', 1)])).toEqual([
      'src/core/',
      'src/core/new/',
    ]);
  });
});
