import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { Visitor, parseSync } from 'oxc-parser';
import { entries, typesOf } from '../entries.ts';
import { root } from './inputs.ts';

/** Writes the declarations that the entries reach into dist/types and answers their names. */
export function buildTypes(): string[] {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const all = mkdtempSync(join(root, '.cache', 'types-'));
  try {
    emit(all);
    const reached = reach(all);
    const types = join(root, 'dist', 'types');
    rmSync(types, { recursive: true, force: true });
    for (const file of reached) {
      mkdirSync(dirname(join(types, file)), { recursive: true });
      renameSync(join(all, file), join(types, file));
    }
    return [...reached].map((file) => `dist/types/${file}`);
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
}

function emit(folder: string): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', folder], {
    cwd: root,
    stdio: 'inherit',
  });
  if (done.status !== 0) throw new Error('tsc found errors: npm run check lists them');
}

/** The declaration files that the entries need, with their imports pointing at .d.ts neighbours as .js. */
function reach(folder: string): Set<string> {
  const reached = new Set<string>();
  const waiting = entries
    .filter((entry) => entry.name !== null)
    .map((entry) => typesOf(entry).slice('./dist/types/'.length));
  const optional = optionalPeers();
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file) || !existsSync(join(folder, file))) continue;
    reached.add(file);
    const { text, own, packages } = readDeclaration(join(folder, file));
    writeFileSync(join(folder, file), text);
    for (const name of packages) {
      if (!optional.has(name))
        throw new Error(`the types of ${file} need the package ${name}, which is no optional peer`);
    }
    for (const path of own)
      waiting.push(relative(folder, join(dirname(join(folder, file)), path)).replaceAll('\\', '/'));
  }
  return reached;
}

function optionalPeers(): Set<string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { peerDependencies?: object };
  return new Set(Object.keys(manifest.peerDependencies ?? {}));
}

function readDeclaration(path: string): { text: string; own: string[]; packages: Set<string> } {
  let text = readFileSync(path, 'utf8');
  const own: string[] = [];
  const packages = new Set<string>();
  for (const { start, end, value } of specifiersOf(path, text).toSorted((a, b) => b.start - a.start)) {
    if (value.startsWith('.')) {
      own.push(value.replace(/\.[jt]s$/, '.d.ts'));
      text = `${text.slice(0, start + 1)}${value.replace(/\.ts$/, '.js')}${text.slice(end - 1)}`;
    } else if (!isBuiltin(value)) {
      packages.add(
        value
          .split('/')
          .slice(0, value.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    }
  }
  return { text, own, packages };
}

interface Specifier {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** Every module that a declaration file names, also in `import('…')` types, with its place in the text. */
function specifiersOf(path: string, text: string): Specifier[] {
  const found: Specifier[] = [];
  const take = (node: { source: Specifier | null }): void => {
    if (node.source !== null) found.push(node.source);
  };
  const visitor = new Visitor({
    ImportDeclaration: take,
    ExportNamedDeclaration: take,
    ExportAllDeclaration: take,
    TSImportType: take,
  });
  visitor.visit(parseSync(path, text).program);
  return found;
}
