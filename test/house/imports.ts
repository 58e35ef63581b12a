import { posix } from 'node:path';
import type { Node, SourceFile } from './source.ts';
import { parseFile, walk } from './source.ts';

/** One import, export-from or `import()` of a file. `target` is a path from the root, or a package's specifier. */
export interface Import {
  readonly target: string;
  readonly isOwn: boolean;
  /** Gone at run time: `import type`, `export type`, `import('…')` in a type. */
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
}

const declarations = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration']);

function literalOf(value: unknown): string | null {
  const node = value as Node | null | undefined;
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : null;
}

function readImport(node: Node): { specifier: string; isTypeOnly: boolean; isDynamic: boolean } | null {
  if (declarations.has(node.type)) {
    const specifier = literalOf(node.source);
    const kind = node.importKind ?? node.exportKind;
    return specifier === null ? null : { specifier, isTypeOnly: kind === 'type', isDynamic: false };
  }
  if (node.type === 'ImportExpression') {
    const specifier = literalOf(node.source);
    return specifier === null ? null : { specifier, isTypeOnly: false, isDynamic: true };
  }
  if (node.type === 'TSImportType') {
    const specifier = literalOf(node.source) ?? literalOf(node.argument);
    return specifier === null ? null : { specifier, isTypeOnly: true, isDynamic: false };
  }
  return null;
}

/** Everything a file imports. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  walk(parseFile(file).body, (node) => {
    const read = readImport(node);
    if (read === null) return;
    const { specifier, isTypeOnly, isDynamic } = read;
    const isOwn = specifier.startsWith('.');
    const target = isOwn ? posix.join(posix.dirname(file.path), specifier) : specifier;
    found.push({ target, isOwn, isTypeOnly, isDynamic });
  });
  return found;
}

/** The package of a specifier: `@a/b/c` → `@a/b`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
