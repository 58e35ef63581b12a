import type { Node, SourceFile } from './source.ts';
import { lineAt, parseFile, walk } from './source.ts';

function place(file: SourceFile, node: Node): string {
  return `${file.path}:${lineAt(file.text, node.start)}`;
}

/** Every use of the console. */
export function consoleUses(file: SourceFile): string[] {
  const found: string[] = [];
  walk(parseFile(file).body, (node) => {
    const object = node.object as Node | undefined;
    if (node.type === 'MemberExpression' && object?.type === 'Identifier' && object.name === 'console')
      found.push(place(file, node));
  });
  return found;
}

/** Every catch that neither does nor says anything. A comment in it must say why nothing is to be done. */
export function emptyCatches(file: SourceFile): string[] {
  const found: string[] = [];
  const { body, comments } = parseFile(file);
  walk(body, (node) => {
    if (node.type !== 'CatchClause') return;
    const block = node.body as Node;
    const isExplained = comments.some(
      ({ start, end, value }) => start > block.start && end < block.end && value.trim().length >= 10,
    );
    if ((block.body as Node[]).length === 0 && !isExplained) found.push(place(file, node));
  });
  return found;
}

/** Every declared export without a doc comment right before it. Overloads need one; re-exports have theirs at home. */
export function undocumentedExports(file: SourceFile): string[] {
  const { body, comments } = parseFile(file);
  const docs = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const seen = new Set<string>();
  return body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration' && node.type !== 'ExportDefaultDeclaration') return [];
    const declaration = node.declaration as Node | null;
    if (declaration === null) return [];
    const name = nameOf(declaration);
    if (seen.has(name)) return [];
    seen.add(name);
    const isDocumented = docs.some(({ end }) => end <= node.start && file.text.slice(end, node.start).trim() === '');
    return isDocumented ? [] : [`${place(file, node)} ${name}`];
  });
}

function nameOf(declaration: Node): string {
  const declared = (declaration.declarations as Node[] | undefined)?.[0] ?? declaration;
  const id = declared.id as { name?: string } | null | undefined;
  return id?.name ?? 'default';
}

// Split, so that this file does not hold what it looks for.
const unfinished = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
const machinePath = new RegExp(['/wo' + 'rk/(main|shared)', '/ro' + 'ot/', '/tmp/(bash|house|brief)'].join('|'));

function linesWith(file: SourceFile, pattern: RegExp): string[] {
  return file.text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}`] : []));
}

/** Lines that promise work instead of doing it. */
export function unfinishedLines(file: SourceFile): string[] {
  return linesWith(file, unfinished);
}

/** Lines that name a path of one machine. */
export function machinePaths(file: SourceFile): string[] {
  return linesWith(file, machinePath);
}

const newSyntax = new Set([
  'ArrowFunctionExpression',
  'TemplateLiteral',
  'ClassDeclaration',
  'ClassExpression',
  'SpreadElement',
  'RestElement',
  'ObjectPattern',
  'ArrayPattern',
  'AssignmentPattern',
  'ForOfStatement',
  'ImportExpression',
  'ImportDeclaration',
  'ChainExpression',
  'AwaitExpression',
  'YieldExpression',
]);

function isNewSyntax(node: Node): boolean {
  if (newSyntax.has(node.type)) return true;
  if (node.type === 'VariableDeclaration') return node.kind !== 'var';
  if (node.type === 'Property') return node.shorthand === true || node.method === true || node.computed === true;
  if (node.type === 'CatchClause') return node.param === null;
  if (node.async === true || node.generator === true) return true;
  return typeof node.operator === 'string' && ['??', '**', '??=', '||=', '&&=', '**='].includes(node.operator);
}

/** What a browser or Node of 2011 could not parse. */
export function newSyntaxIn(file: SourceFile): string[] {
  const found: string[] = [];
  walk(parseFile(file).body, (node) => {
    if (isNewSyntax(node)) found.push(`${place(file, node)} ${node.type}`);
  });
  return found;
}
