import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { entries } from '../../../scripts/entries.ts';
import { createTemporaryHome, filesWith } from '../../../test/indexer/home.ts';
import { nodePath, root } from '../../../test/node.ts';
import { executable, says } from './claude.fixture.ts';
import { setStage, strike } from './stage.fixture.ts';

afterEach(strike);

const guide = join(root, 'docs/guides/frameworks/claude-agent.md');
const text = readFileSync(guide, 'utf8');

test('the links of the guide lead somewhere', () => {
  const links = [...text.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, link]) => link!);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect([link, existsSync(join(dirname(guide), link))]).toEqual([link, true]);
});

test.skipIf(executable === null)('the program of the guide works as it stands', async () => {
  const { options } = await setStage(() => says('Hello.'));
  const place = createTemporaryHome();
  try {
    const [, block] = /```js asks-a-model\n(.*?)```/s.exec(text)!;
    const sources = new Map(entries.map(({ name, source }) => [name, join(root, source)]));
    const code = block!.replaceAll(/'(tachograph[a-z/-]*)'/g, (whole, name: string) =>
      sources.has(name) ? JSON.stringify(sources.get(name)) : whole,
    );
    const env = { ...options.env, TACHOGRAPH_HOME: place.home };
    const run = promisify(execFile)(nodePath, ['--input-type=module', '-e', code], { env, cwd: root });
    expect(await run).toMatchObject({ stdout: 'success\n', stderr: '' });
    expect(filesWith(place.home, 'reviewer').length).toBeGreaterThan(0);
  } finally {
    place.remove();
  }
});
