import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { entries } from '../../../scripts/entries.ts';
import { createTemporaryHome } from '../../../test/indexer/home.ts';
import { nodePath, root } from '../../../test/node.ts';

const guide = join(root, 'docs/guides/shadow.md');
const text = readFileSync(guide, 'utf8');
const blocks = [...text.matchAll(/```js shadow\n(.*?)```/gs)].map(([, block]) => block!);
const sources = new Map([['tachograph/shadow', 'src/runtime/shadow/index.ts']]);
for (const { name, source } of entries) if (name !== null) sources.set(name, source);

test('the links of the guide lead somewhere, and it has programs', () => {
  for (const [, link] of text.matchAll(/\]\((?!http)([^)#]+)\)/g))
    expect([link, existsSync(join(dirname(guide), link!))]).toEqual([link, true]);
  expect(blocks.length).toBe(3);
});

test.each(blocks.map((block, index) => [index + 1, block] as const))(
  'program %i of the guide prints what it says',
  async (_number, block) => {
    const place = createTemporaryHome();
    try {
      const code = block.replaceAll(/'(tachograph[a-z/-]*)'/g, (_whole, name: string) =>
        JSON.stringify(join(root, sources.get(name)!)),
      );
      const env = { ...process.env, TACHOGRAPH_HOME: place.home };
      const { stdout, stderr } = await promisify(execFile)(nodePath, ['--input-type=module', '-e', code], {
        env,
        cwd: root,
      });
      const said = [...block.matchAll(/^\/\/ prints (.*)$/gm)].map(([, line]) => line);
      expect({ lines: stdout.trimEnd().split('\n'), stderr }).toEqual({ lines: said, stderr: '' });
    } finally {
      place.remove();
    }
  },
);
