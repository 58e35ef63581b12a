import { describe, expect, test } from 'vitest';
import { consoleUses, emptyCatches, machinePaths, undocumentedExports, unfinishedLines } from './code.ts';
import { codeEndings, isTest, readFiles } from './source.ts';

const sources = [...readFiles('src', codeEndings), ...readFiles('web/src', codeEndings)];
const code = [
  ...sources,
  ...['test', 'web/test', 'scripts', 'bench', 'examples', 'bin'].flatMap((folder) => readFiles(folder, codeEndings)),
];
const texts = readFiles('', [
  ...codeEndings,
  '.md',
  '.json',
  '.html',
  '.css',
  '.yaml',
  '.yml',
  '.sh',
  '.npmrc',
  '.gitignore',
]);

function sample(text: string): { path: string; text: string } {
  return { path: 'src/a.ts', text };
}

describe('code', () => {
  test('only the command line writes to the console', () => {
    const silent = sources.filter((file) => !isTest(file.path) && !file.path.startsWith('src/cli/'));
    expect(silent.flatMap(consoleUses)).toEqual([]);
  });

  test('a use of the console is seen, a word in a text is not', () => {
    expect(consoleUses(sample(`const a = 'console.log';\nif (a) console.warn(a);`))).toEqual(['src/a.ts:2']);
  });

  test('no catch is empty', () => {
    expect(code.flatMap(emptyCatches)).toEqual([]);
  });

  test('an empty catch is seen, an explained one passes', () => {
    expect(emptyCatches(sample('try { a(); } catch {}'))).toEqual(['src/a.ts:1']);
    expect(emptyCatches(sample('try { a(); } catch (error) {\n  // ok\n}'))).toHaveLength(1);
    expect(
      emptyCatches(sample('try { a(); } catch {\n  // The file is gone already, which is what we want.\n}')),
    ).toEqual([]);
  });

  test('every export says what it promises', () => {
    expect(
      sources.filter((file) => file.path.startsWith('src/') && !isTest(file.path)).flatMap(undocumentedExports),
    ).toEqual([]);
  });

  test('an export without a doc comment is seen', () => {
    expect(undocumentedExports(sample('// no doc\nexport const a = 1;'))).toEqual(['src/a.ts:2 a']);
    expect(undocumentedExports(sample('/** Of b. */\nconst b = 1;\nexport function c() {}'))).toEqual(['src/a.ts:3 c']);
    expect(undocumentedExports(sample('/** Promises. */\nexport interface D {}\nexport { e } from "./e.ts";'))).toEqual(
      [],
    );
  });

  test('nothing is promised for later', () => {
    expect(code.flatMap(unfinishedLines)).toEqual([]);
    expect(unfinishedLines(sample(`const a = 1;\n// ${'TO'}${'DO'}: b`))).toEqual(['src/a.ts:2']);
  });

  test('no text names a path of one machine', () => {
    expect(texts.flatMap(machinePaths)).toEqual([]);
    expect(machinePaths(sample(`const a = '/wo${'rk'}/main/src';`))).toEqual(['src/a.ts:1']);
  });
});
