import type { Import } from './imports.ts';
import { importsOf, packageOf } from './imports.ts';
import type { SourceFile } from './source.ts';
import { isTest } from './source.ts';

// Who may import whom.
//
//   src/core        core, node:async_hooks, node:crypto, node:zlib
//   src/<room>      core, its own room; of capture only the same part, capture/fetch from the clients' hooks and the proxy,
//                   capture/spans and the wire forms of capture/fetch from frameworks; of stores only the same part and stores/sql
//   src/server      core, ingest, itself
//   src/testing     core, itself
//   src/index.ts    core, journal
//   src/cli         everything but testing
//   web             itself; types of src/server/wire.ts
//
// Node's own modules are free outside core and web. Packages: types of any; at run time only what is bundled, below.

const rooms = ['journal', 'stores', 'indexer', 'capture', 'ingest', 'replay', 'runtime', 'governance'];
/** Parts of capture that are the HTTP level in another place: under a client's name, or between client and provider. */
const clientHooks = new Set(['anthropic', 'openai', 'proxy']);
const coreBuiltins = new Set(['node:async_hooks', 'node:crypto', 'node:zlib']);

/** Parts of capture whose framework tells of its work as a tree of spans. */
const spanFrameworks = new Set(['openai-agents', 'langchain', 'mastra', 'claude-agent', 'mcp']);

/** Packages that a folder of src may use at run time: they are bundled into dist. */
const packagesByFolder: Record<string, readonly string[]> = {
  'src/stores': ['kysely'],
  'src/ingest': ['zod'],
  'src/governance': ['ajv', 'ajv-formats'],
  'src/runtime': ['croner'],
  'src/server': ['hono', '@hono/node-server', 'zod'],
  'src/cli': ['commander', 'hono', '@hono/node-server', 'zod', 'pino'],
  'src/cli/sample': ['ai', '@ai-sdk/openai'],
};

function packagesOf(path: string): readonly string[] {
  return Object.entries(packagesByFolder).flatMap(([folder, packages]) => (isInside(path, [folder]) ? packages : []));
}

function isInside(target: string, folders: readonly string[]): boolean {
  return folders.some((folder) => target === folder || target.startsWith(`${folder}/`));
}

/** Folders of src that a file may import from. */
function reachOf(path: string): readonly string[] {
  const [, part = '', inner = ''] = path.split('/');
  const isFolder = path.split('/').length > 3;
  if (path === 'src/index.ts') return ['src/core', 'src/journal'];
  if (part === 'core') return ['src/core'];
  if (part === 'capture' && isFolder)
    return [
      'src/core',
      `src/capture/${inner}`,
      ...(clientHooks.has(inner) ? ['src/capture/fetch'] : []),
      ...(spanFrameworks.has(inner) ? ['src/capture/spans', 'src/capture/fetch/formats'] : []),
    ];
  if (part === 'stores' && isFolder) return ['src/core', `src/stores/${inner}`, 'src/stores/sql'];
  if (rooms.includes(part)) return ['src/core', `src/${part}`];
  if (part === 'server') return ['src/core', 'src/ingest', 'src/server'];
  if (part === 'testing') return ['src/core', 'src/testing'];
  if (part === 'cli') return ['src/core', 'src/server', 'src/cli', ...rooms.map((room) => `src/${room}`)];
  return [];
}

function isAllowedInSource(path: string, { target, isOwn, isTypeOnly }: Import): boolean {
  if (isOwn) return isInside(target, reachOf(path));
  const isCore = isInside(path, ['src/core']);
  if (target.startsWith('node:')) return !isCore || coreBuiltins.has(target);
  return !isCore && (isTypeOnly || packagesOf(path).includes(packageOf(target)));
}

function isAllowedInWeb({ target, isOwn, isTypeOnly }: Import, packages: readonly string[]): boolean {
  if (!isOwn) return packages.includes(packageOf(target));
  return isInside(target, ['web']) || (target === 'src/server/wire.ts' && isTypeOnly);
}

/** One line per import through a wall. Tests may import anything; `webPackages` are those of web/package.json. */
export function wallBreaches(files: readonly SourceFile[], webPackages: readonly string[]): string[] {
  return files
    .filter((file) => !isTest(file.path))
    .flatMap((file) =>
      importsOf(file)
        .filter((each) =>
          file.path.startsWith('web/') ? !isAllowedInWeb(each, webPackages) : !isAllowedInSource(file.path, each),
        )
        .map((each) => `${file.path} imports ${each.isTypeOnly ? 'types of ' : ''}${each.target}`),
    );
}

/** Groups of files that import each other in a circle at run time, one line each. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const targetsByPath = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((each) => each.isOwn && !each.isTypeOnly && !each.isDynamic)
        .map((each) => each.target),
    ]),
  );
  return stronglyConnected(targetsByPath).map((group) => group.toSorted().join(' ↔ '));
}

/** Tarjan's algorithm; groups of one are left out unless the file imports itself. */
function stronglyConnected(targetsByPath: ReadonlyMap<string, readonly string[]>): string[][] {
  const orderByPath = new Map<string, number>();
  const lowByPath = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const visit = (path: string): number => {
    const order = orderByPath.size;
    orderByPath.set(path, order);
    lowByPath.set(path, order);
    stack.push(path);
    for (const target of targetsByPath.get(path) ?? []) {
      if (!targetsByPath.has(target)) continue;
      const known = orderByPath.get(target);
      const low = known === undefined ? visit(target) : stack.includes(target) ? known : Infinity;
      lowByPath.set(path, Math.min(lowByPath.get(path) ?? order, low));
    }
    const low = lowByPath.get(path) ?? order;
    if (low === order) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || (targetsByPath.get(path) ?? []).includes(path)) groups.push(group);
    }
    return low;
  };
  for (const path of targetsByPath.keys()) if (!orderByPath.has(path)) visit(path);
  return groups;
}
