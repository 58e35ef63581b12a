import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entries } from '../../scripts/entries.ts';
import { nodePath, root } from '../node.ts';

// The package as a user gets it: packed, unpacked into an empty project, imported, type-checked.

const isBuilt = existsSync(join(root, 'dist/cli/main.js')) && existsSync(join(root, 'dist/types/index.d.ts'));
const names = entries.flatMap((entry) => (entry.name === null || entry.name.endsWith('/register') ? [] : [entry.name]));
const place = mkdtempSync(join(tmpdir(), 'tachograph-published-'));

function run(args: readonly string[]): { status: number | null; output: string } {
  const env = { ...process.env, TACHOGRAPH_HOME: join(place, 'home'), NODE_OPTIONS: '' };
  const done = spawnSync(nodePath, args, { cwd: place, env, encoding: 'utf8' });
  return { status: done.status, output: `${done.stdout}${done.stderr}` };
}

function unpack(): void {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', place];
  const packed = spawnSync(npm, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz')) ?? '';
  const folder = join(place, 'node_modules', 'tachograph');
  mkdirSync(folder, { recursive: true });
  const unpacked = spawnSync('tar', ['-xzf', join(place, tarball), '--strip-components=1', '-C', folder]);
  if (unpacked.status !== 0) throw new Error('tar could not unpack the package');
  writeFileSync(join(place, 'package.json'), '{ "name": "user", "type": "module" }');
}

beforeAll(() => {
  if (isBuilt) unpack();
});

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe.skipIf(!isBuilt)('the published package (skipped when dist is not built: npm run build)', () => {
  test.each(names)('%s can be imported with no other package there', (name) => {
    const text = `const all = await import('${name}'); if (Object.keys(all).length === 0) throw new Error('empty');`;
    writeFileSync(join(place, 'import.mjs'), text);
    expect(run(['import.mjs'])).toEqual({ status: 0, output: '' });
  });

  test('a file that is not exported cannot be imported', () => {
    writeFileSync(join(place, 'inner.mjs'), `await import('tachograph/dist/index.js');`);
    expect(run(['inner.mjs']).output).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('importing it keeps nothing running and writes nothing', () => {
    writeFileSync(
      join(place, 'inert.mjs'),
      `import 'tachograph'; import 'tachograph/ai-sdk'; import 'tachograph/fetch';`,
    );
    expect(run(['inert.mjs']).status).toBe(0);
    expect(existsSync(join(place, 'home'))).toBe(false);
  });

  test('its types hold without any package but those of Node', () => {
    const lines = names.map(
      (name, index) => `import * as part${index} from '${name}';\nexport const a${index} = part${index};`,
    );
    writeFileSync(join(place, 'user.ts'), lines.join('\n'));
    writeFileSync(join(place, 'wrong.ts'), `import { notThere } from 'tachograph';\nexport const a = notThere;`);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'dom'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    const check = (file: string): { status: number | null; output: string } => {
      writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
      return run([join(root, 'node_modules/typescript/bin/tsc'), '-p', place]);
    };
    expect(check('user.ts')).toEqual({ status: 0, output: '' });
    expect(check('wrong.ts').output).toContain('TS2305');
  });

  test('the command says its version', () => {
    const bin = join(place, 'node_modules', 'tachograph', 'bin', 'tachograph.cjs');
    const { status, output } = run([bin, '--version']);
    expect(output).toMatch(/\d+\.\d+\.\d+/);
    expect(status).toBe(0);
  });
});
