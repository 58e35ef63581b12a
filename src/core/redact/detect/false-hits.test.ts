import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom, sampleOf } from './sample.fixture.ts';
import { textFindings } from './text.ts';

const root = join(import.meta.dirname, '../../../..');
const corpus = join(root, '../shared/corpus');

/** Text files under a folder, `bytesMax` of them together. */
function readTexts(folder: string, ending: RegExp, bytesMax: number): { path: string; text: string }[] {
  const texts: { path: string; text: string }[] = [];
  let bytes = 0;
  const walk = (inside: string): void => {
    for (const name of readdirSync(inside).toSorted()) {
      const path = join(inside, name);
      const stat = statSync(path);
      if (bytes > bytesMax) return;
      if (stat.isDirectory()) walk(path);
      else if (ending.test(name) && stat.size < 3_000_000) {
        texts.push({ path, text: readFileSync(path, 'utf8') });
        bytes += stat.size;
      }
    }
  };
  walk(folder);
  return texts;
}

/** Hits in all texts, told with their surroundings, and their number per MB. */
function hitsIn(texts: readonly { path: string; text: string }[]): { shown: string[]; perMegabyte: number } {
  let chars = 0;
  const shown: string[] = [];
  for (const { path, text } of texts) {
    chars += text.length;
    for (const { start, end, kind } of textFindings(text))
      shown.push(
        `${path.slice(root.length)} ${kind}: ${text.slice(Math.max(0, start - 30), Math.min(end, start + 40))}`,
      );
  }
  return { shown, perMegabyte: (shown.length / chars) * 1e6 };
}

const random = createRandom(3);
const made = (pattern: string, count: number): { path: string; text: string }[] => [
  { path: `${root}/made`, text: Array.from({ length: count }, () => sampleOf(pattern, random)).join('\n') },
];

describe('at most one hit per MB', () => {
  it.each(['zod', 'kysely', 'hono', 'commander', 'ai', 'rolldown', '@types/node', 'fast-check'])(
    'in the sources of %s',
    (name) => {
      const texts = readTexts(join(root, 'node_modules', name), /\.(?:[cm]?[jt]sx?|json|md)$/, 6_000_000).filter(
        ({ path }) => !/\/tests?\//.test(path),
      );
      const { shown, perMegabyte } = hitsIn(texts);
      // Examples in a documentation, such as `https://user:password@host`, are what is looked for.
      const strange = shown.filter((hit) => !/ (?:url-user|url-parameter|password): /.test(hit));
      expect(perMegabyte < 1 ? [] : strange).toEqual([]);
    },
  );

  it('in lock files', () => {
    expect(hitsIn([{ path: '', text: readFileSync(join(root, 'package-lock.json'), 'utf8') }]).shown).toEqual([]);
  });

  it.each([
    ['UUIDs', '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}', 30_000],
    ['SHA-1', '[0-9a-f]{40}', 25_000],
    ['SHA-256', 'sha256:[0-9a-f]{64}', 15_000],
    ['integrity', 'sha512-[A-Za-z0-9+/]{86}==', 11_000],
    ['numbers', '[0-9]{6,20}', 60_000],
    ['identifiers of calls', 'call_[A-Za-z0-9]{24}', 30_000],
    ['base64 of images', 'data:image/png;base64,iVBORw0KGgo[A-Za-z0-9+/]{20000}', 50],
    ['base64 of audio', '[A-Za-z0-9+/]{100000}', 10],
    ['base64 in lines', '[A-Za-z0-9+/]{76}', 13_000],
  ])('in %s', (_name, pattern, count) => {
    expect(hitsIn(made(pattern, count)).shown).toEqual([]);
  });
});

describe.skipIf(!existsSync(corpus))('real transcripts and answers (skipped: ../shared/corpus is not there)', () => {
  it.each(['trajectories', 'provider-responses', 'openinference', 'otlp'])('%s', (folder) => {
    const { shown, perMegabyte } = hitsIn(readTexts(join(corpus, folder), /./, 20_000_000));
    expect(perMegabyte <= 1 ? [] : shown).toEqual([]);
  });
});
