import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readWorkModule } from './work-module.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'tachograph-module-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function write(text: string): string {
  const file = join(folder, `module-${(files += 1)}.mjs`);
  writeFileSync(file, text);
  return file;
}

it('takes functions and registrations, by default export or by name', async () => {
  const agents = await readWorkModule(
    write('export default { a: async () => 1, b: { run: () => 2, version: "v2", runsMax: 3 } };'),
  );
  expect([...agents.keys()]).toEqual(['a', 'b']);
  expect(agents.get('b')).toMatchObject({ version: 'v2', runsMax: 3 });
  expect([...(await readWorkModule(write('export const agents = { c: () => 3 };'))).keys()]).toEqual(['c']);
});

it.each([
  ['export default 1;', 'exports no agents'],
  ['export default {};', 'exports no agents'],
  ['export default [() => 1];', 'exports no agents'],
  ['export default { a: 1 };', 'has no handler for the agent "a"'],
])('%s is refused', async (text, what) => {
  await expect(readWorkModule(write(text))).rejects.toMatchObject({
    code: 'bad-argument',
    message: expect.stringContaining(what) as string,
  });
});

it('says of a module that is not there that it is not, and throws what a module throws', async () => {
  await expect(readWorkModule(join(folder, 'none.mjs'))).rejects.toMatchObject({
    code: 'bad-argument',
    message: expect.stringContaining('There is no module') as string,
  });
  await expect(readWorkModule(write('throw new Error("own trouble");'))).rejects.toThrow('own trouble');
});
