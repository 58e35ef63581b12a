import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultPreset } from './preset.ts';
import { readPreset } from './reading.ts';
import { parseShelf, presetOf, shelfToText, withoutPreset, withPreset } from './shelf.ts';
import { readShelf, shelfFile, writeShelf } from './shelf-file.ts';
import { checkPreset, completePreset } from './writing.ts';

function read(value: unknown): { preset: ReturnType<typeof readPreset>; notes: string[] } {
  const notes: string[] = [];
  return { preset: readPreset(value, 'p', (path) => void notes.push(path)), notes };
}

const careful = {
  ...defaultPreset,
  references: [
    { provider: 'openai', model: 'gpt-5', reasoningEffort: 'low' as const, enabled: true, contextTokens: 8000 },
  ],
  aggregator: { provider: 'anthropic', model: 'claude', reasoningEffort: null },
};

describe('reading', () => {
  test('whatever is read may be written, and reads back the same without a note', () => {
    const loose = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(careful)), fc.integer(), fc.double());
    const fields = fc.dictionary(fc.constantFrom(...Object.keys(careful), 'other'), loose);
    fc.assert(
      fc.property(fc.oneof(fields, fc.jsonValue()), (value) => {
        const { preset } = read(value);
        expect(checkPreset(preset, 'p')).toBe(preset);
        expect(read(JSON.parse(JSON.stringify(preset)))).toEqual({ preset, notes: [] });
      }),
    );
  });

  test('understands the ways in which people write it, and says what it did not', () => {
    const { preset, notes } = read({
      enabled: 'true',
      references: ['openai:gpt-5', { provider: 'x', model: 'y', enabled: 'false' }, { model: 'z' }, 7],
      aggregator: 'anthropic:claude',
      reference_temperature: '0.5',
      toolResultBudget: 99_000,
      fanout: 'every_n:3',
      degradedPolicy: 'quiet',
    });
    expect(preset.references.map(({ provider, model, enabled }) => [provider, model, enabled])).toEqual([
      ['openai', 'gpt-5', true],
      ['x', 'y', false],
    ]);
    expect(preset).toMatchObject({ referenceTemperature: 0.5, toolResultBudget: 32_000, fanout: 'every_n:3' });
    expect(preset.degradedPolicy).toBe('loud');
    expect(notes.toSorted()).toEqual(['p.degradedPolicy', 'p.references[2]', 'p.references[3]', 'p.toolResultBudget']);
  });
});

describe('writing', () => {
  test.each([
    [{ enabled: 'true' }, 'p.enabled is "true"'],
    [{ references: [{ ...careful.references[0], model: '' }] }, 'p.references[0].model is ""'],
    [{ references: [{ ...careful.references[0], reasoningEffort: 'much' }] }, 'p.references[0].reasoningEffort'],
    [{ referenceTemperature: 3 }, 'p.referenceTemperature is 3'],
    [{ toolResultBudget: 999 }, 'a whole number from 1000 to 32000'],
    [{ fanout: 'every_n:0' }, 'p.fanout'],
    [{ degradedPolicy: null }, 'p.degradedPolicy is null'],
    [{ colour: 'red' }, 'p.colour is "red"; it must be left out'],
  ])('%j is refused with its path', (change, words) => {
    expect(() => completePreset({ ...careful, ...(change as object) }, 'p')).toThrow(words);
    expect(completePreset(careful, 'p')).toEqual(careful);
  });
});

describe('the shelf', () => {
  test('is written strictly and whole, and read as it was', () => {
    const home = mkdtempSync(join(tmpdir(), 'moa-shelf-'));
    try {
      const file = shelfFile(home);
      expect(readShelf(file).presetByName.size).toBe(0);
      const shelf = withPreset({ ...readShelf(file), saveTraces: true }, 'careful', careful);
      writeShelf(file, shelf);
      expect(readShelf(file)).toEqual(shelf);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const before = readFileSync(file, 'utf8');
      const broken = { ...shelf, presetByName: new Map([['careful', { ...careful, fanout: 'never' as never }]]) };
      expect(() => writeShelf(file, broken)).toThrow('presets.careful.fanout');
      expect(readFileSync(file, 'utf8')).toBe(before);
      writeFileSync(file, 'no json');
      expect(() => readShelf(file)).toThrow('no valid JSON');
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test('keeps its last preset, and refuses a name that is none', () => {
    const one = withPreset(
      parseShelf('{}', 'moa.json', () => undefined),
      'a',
      careful,
    );
    const two = withPreset(one, 'b', careful);
    expect([...withoutPreset(two, 'a').presetByName.keys()]).toEqual(['b']);
    expect(() => withoutPreset(one, 'a')).toThrow('last preset');
    expect(() => withoutPreset(one, 'c')).toThrow('there are a');
    expect(() => withPreset(one, 'a b', careful)).toThrow('1 to 64 letters');
    expect(() => presetOf(one, 'x')).toThrow('There is no preset "x"');
    expect(JSON.parse(shelfToText(two))).toMatchObject({ saveTraces: false, presets: { a: careful, b: careful } });
  });

  test('what cannot be understood is noted and left out', () => {
    const notes: string[] = [];
    const shelf = parseShelf(
      '{"saveTraces":"yes","traceDir":3,"presets":{"a":{"enabled":5},"bad name":{}}}',
      'moa.json',
      (path) => void notes.push(path),
    );
    expect(shelf).toMatchObject({ saveTraces: false, traceDir: null });
    expect([...shelf.presetByName.keys()]).toEqual(['a']);
    expect(notes).toEqual(['saveTraces', 'traceDir', 'presets.a.enabled', 'presets["bad name"]']);
  });
});
