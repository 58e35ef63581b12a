import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tachograph } from '../../../test/end-to-end/command.ts';
import type { TemporaryHome } from '../../../test/indexer/home.ts';
import { createTemporaryHome } from '../../../test/indexer/home.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
  mkdirSync(place.home, { recursive: true });
});
afterEach(() => place.remove());

const write = (text: string): void => writeFileSync(join(place.home, 'moa.json'), text);

describe('tachograph moa', () => {
  test('lists presets; without a file there are none', async () => {
    expect(await tachograph(place.home, 'moa')).toMatchObject({ status: 0, out: '' });
    write('{"presets":{"careful":{"references":["openai:gpt-5"],"aggregator":"openai:gpt-5"}}}');
    const { status, out } = await tachograph(place.home, 'moa');
    expect(status).toBe(0);
    expect(out).toMatch(/^careful {2}openai:gpt-5 {2}openai:gpt-5 {2}user_turn {2}loud$/m);
  });

  test('says what is not as it must be, for people and for programs', async () => {
    write('{"saveTraces":true,"presets":{"a\\u001b[31m":{},"b":{"fanout":"often","enabled":false}}}');
    const said = await tachograph(place.home, 'moa');
    expect(said.status).toBe(1);
    expect(said.out).toContain('presets.b.fanout is "often"; taken for it: "user_turn"');
    expect(said.out).toContain('b (off)');
    expect(said.out).not.toContain('\u001b');
    const { status, out } = await tachograph(place.home, 'moa', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      saveTraces: true,
      presets: { b: { enabled: false, fanout: 'user_turn' } },
      faults: [{ value: 'a\u001b[31m' }, { path: 'presets.b.fanout', value: 'often' }],
    });
    write('{');
    const broken = await tachograph(place.home, 'moa');
    expect(broken.status).toBe(1);
    expect(broken.out).toContain('no valid JSON');
  });
});
