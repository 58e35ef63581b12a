import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { entries, toExports } from '../../scripts/entries.ts';
import type { Lock } from '../../scripts/lock.ts';
import { absentOptionals, registryAddresses } from '../../scripts/lock.ts';
import { root } from '../node.ts';
import { newSyntaxIn } from './code.ts';
import { importsOf } from './imports.ts';
import { readFiles } from './source.ts';

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>;
}

const manifest = readJson('package.json');

/** The machine's own Node, when there is one. */
const system = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => folder !== '' && !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((file) => existsSync(file));

describe('package.json', () => {
  test('exports what scripts/entries.ts builds', () => {
    expect(manifest.exports).toEqual(toExports());
    expect(Object.keys(toExports())).toEqual([
      '.',
      './register',
      './testing',
      './ai-sdk',
      './fetch',
      './openai',
      './anthropic',
      './openai-agents',
      './langchain',
      './mastra',
      './mcp',
      './claude-agent',
      './moa',
      './schema-output',
      './sqlite',
      './postgres',
      './memory',
      './journal',
      './server',
      './work',
      './shadow',
      './replay',
      './package.json',
    ]);
  });

  test('every entry has its source', () => {
    expect(entries.filter((entry) => !existsSync(join(root, entry.source)))).toEqual([]);
  });

  test('needs no package, and every version is exact', () => {
    expect(manifest.dependencies).toBeUndefined();
    const versions = [manifest, readJson('web/package.json'), readJson('test/package.json')].flatMap((each) =>
      Object.entries((each.devDependencies ?? {}) as object),
    );
    expect(versions.filter(([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version as string))).toEqual(
      [],
    );
  });

  test('every peer is optional', () => {
    const peers = Object.keys((manifest.peerDependencies ?? {}) as object);
    const meta = (manifest.peerDependenciesMeta ?? {}) as Record<string, { optional?: boolean }>;
    expect(peers.filter((name) => meta[name]?.optional !== true)).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const lock = readJson('package-lock.json') as unknown as Lock;

  test('holds no address of a registry', () => {
    expect(registryAddresses(lock)).toEqual([]);
    expect(
      registryAddresses({ packages: { a: { resolved: 'https://registry.example/a.tgz' }, web: { resolved: 'web' } } }),
    ).toHaveLength(1);
  });

  test('is whole for every platform', () => {
    expect(absentOptionals(lock)).toEqual([]);
    expect(absentOptionals({ packages: { a: { optionalDependencies: { b: '1.0.0' } } } })).toHaveLength(1);
  });

  test('belongs to package.json', () => {
    const own = lock.packages[''] as { devDependencies?: unknown } | undefined;
    expect(own?.devDependencies).toEqual(manifest.devDependencies);
  });
});

describe('old syntax', () => {
  test('the bin parses on any Node', () => {
    const bin = readFileSync(join(root, 'bin/tachograph.cjs'), 'utf8');
    expect(newSyntaxIn({ path: 'bin/tachograph.cjs', text: bin })).toEqual([]);
  });

  test.each([
    'var a = () => 1;',
    'const a = 1;',
    'let a;',
    'var a = `b`;',
    'import("b");',
    'var a = b?.c;',
    'var a = { b };',
  ])('new syntax is seen: %s', (text) => {
    expect(newSyntaxIn({ path: 'a.cjs', text }).length).toBeGreaterThan(0);
  });

  test("what starts the project parses on the machine's own Node", (context) => {
    if (system === undefined) return context.skip('no Node outside the project on PATH');
    const files = [...readFiles('scripts', ['.cjs']), ...readFiles('bin', ['.cjs'])];
    expect(files.length).toBeGreaterThanOrEqual(5);
    const refused = files.filter((file) => spawnSync(system, ['--check', join(root, file.path)]).status !== 0);
    expect(refused).toEqual([]);
  });
});

describe('dist', () => {
  const built = readFiles('dist', ['.js']).filter((file) => !file.path.startsWith('dist/web/'));

  test('asks for no package at run time', (context) => {
    if (built.length === 0) return context.skip('dist is not built: npm run build');
    const asked = built.flatMap((file) => importsOf(file).filter((each) => !each.isOwn && !isBuiltin(each.target)));
    expect(asked).toEqual([]);
  });

  test('looks at the version of Node before it imports', (context) => {
    const register = built.find((file) => file.path === 'dist/register.js');
    if (register === undefined) return context.skip('dist is not built: npm run build');
    expect(importsOf(register).map((each) => each.isDynamic)).toEqual([true]);
  });

  test('says on an old Node which one it needs', (context) => {
    if (system === undefined) return context.skip('no Node outside the project on PATH');
    const version = spawnSync(system, ['--version'], { encoding: 'utf8' }).stdout.trim();
    if (!/^v(\d|1\d|20|21)\./.test(version))
      return context.skip(`the machine's own Node is ${version}, not an old one`);
    const done = spawnSync(system, [join(root, 'bin/tachograph.cjs'), '--version'], { encoding: 'utf8' });
    expect(done.status).toBe(2);
    expect(done.stderr).toContain('needs Node 22.16 or newer');
    expect(done.stderr).toContain(version.slice(1));
  });
});
