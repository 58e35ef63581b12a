import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../node.ts';
import { codeEndings, isTest, readFiles } from './source.ts';
import { importCycles, wallBreaches } from './walls.ts';

const files = [...readFiles('src', codeEndings), ...readFiles('web/src', codeEndings)];
const web = JSON.parse(readFileSync(join(root, 'web', 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
const webPackages = Object.keys(web.devDependencies);

function breachesOf(path: string, text: string): string[] {
  return wallBreaches([{ path, text }], webPackages);
}

describe('walls', () => {
  test('every import stays inside its walls', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(wallBreaches(files, webPackages)).toEqual([]);
  });

  test.each([
    ['src/core/x/a.ts', `import { b } from '../../journal/b.ts';`],
    ['src/core/x/a.ts', `import type { B } from '../../journal/b.ts';`],
    ['src/core/x/a.ts', `import { readFileSync } from 'node:fs';`],
    ['src/core/x/a.ts', `import type { Z } from 'zod';`],
    ['src/journal/a.ts', `export * from '../stores/sql/b.ts';`],
    ['src/journal/a.ts', `const b = await import('../indexer/b.ts');`],
    ['src/journal/a.ts', `type B = import('../indexer/b.ts').B;`],
    ['src/journal/a.ts', `import { z } from 'zod';`],
    ['src/capture/fetch/a.ts', `import { b } from '../ai-sdk/b.ts';`],
    ['src/capture/ai-sdk/a.ts', `import { generateText } from 'ai';`],
    ['src/capture/ai-sdk/a.ts', `import { type LanguageModel } from 'ai';`],
    ['src/capture/moa/a.ts', `import { b } from '../ai-sdk/b.ts';`],
    ['src/capture/moa/advice/a.ts', `import { createOpenAI } from '@ai-sdk/openai';`],
    ['src/stores/memory/a.ts', `import { b } from '../sqlite/b.ts';`],
    ['src/stores/sql/a.ts', `import { b } from '../sqlite/b.ts';`],
    ['src/server/a.ts', `import { b } from '../stores/sqlite/b.ts';`],
    ['src/testing/a.ts', `import { b } from '../stores/memory/b.ts';`],
    ['src/index.ts', `export { b } from './stores/memory/b.ts';`],
    ['src/cli/a.ts', `import { b } from '../testing/b.ts';`],
    ['src/unheard-of/a.ts', `import { b } from '../core/b.ts';`],
    ['web/src/api/a.ts', `import { b } from '../../../src/server/wire.ts';`],
    ['web/src/api/a.ts', `import type { B } from '../../../src/core/b.ts';`],
    ['web/src/a.ts', `import { readFileSync } from 'node:fs';`],
  ])('a breach is seen: %s %s', (path, text) => {
    expect(breachesOf(path, text)).toHaveLength(1);
  });

  test.each([
    ['src/core/x/a.ts', `import { createHash } from 'node:crypto'; import { b } from '../y/b.ts';`],
    ['src/capture/ai-sdk/a.ts', `import type { LanguageModel } from 'ai'; import { b } from './b.ts';`],
    ['src/stores/sqlite/a.ts', `import { sql } from 'kysely'; import { b } from '../sql/b.ts'; import 'node:sqlite';`],
    ['src/cli/a.ts', `import { b } from '../stores/sqlite/b.ts'; import { c } from '../capture/fetch/c.ts';`],
    ['src/journal/a.test.ts', `import { b } from '../stores/sqlite/b.ts';`],
    ['web/src/api/a.ts', `import type { B } from '../../../src/server/wire.ts'; import { c } from 'react';`],
  ])('what is allowed passes: %s', (path, text) => {
    expect(breachesOf(path, text)).toEqual([]);
  });
});

describe('cycles', () => {
  const a = { path: 'src/core/a.ts', text: `import { b } from './b.ts'; export const a = b;` };

  test('there are none', () => {
    expect(importCycles(files.filter((file) => !isTest(file.path)))).toEqual([]);
  });

  test('a circle of three is seen, beside one that is no circle', () => {
    const b = { path: 'src/core/b.ts', text: `export * from './c.ts';` };
    const c = { path: 'src/core/c.ts', text: `import './a.ts'; import './d.ts';` };
    const d = { path: 'src/core/d.ts', text: `export const d = 1;` };
    expect(importCycles([a, b, c, d])).toEqual(['src/core/a.ts ↔ src/core/b.ts ↔ src/core/c.ts']);
  });

  test('types do not close a circle', () => {
    const b = { path: 'src/core/b.ts', text: `import type { a } from './a.ts'; export const b: typeof a = 1;` };
    expect(importCycles([a, b])).toEqual([]);
  });
});
