import { posix } from 'node:path';
import type { SourceFile } from './source.ts';
import { isTest } from './source.ts';

const linesMax = 500;
const testLinesMax = 600;
const linesToLookAgain = 300;
const filesPerFolderMax = 15;

/** Files that may be longer, each with its reason. */
const exemptByPath: Record<string, string> = {};

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length;
}

/** Files that are too long. */
export function sizeBreaches(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !(file.path in exemptByPath))
    .filter((file) => lineCount(file.text) > (isTest(file.path) ? testLinesMax : linesMax))
    .map((file) => `${file.path} has ${lineCount(file.text)} lines`);
}

/** Files worth a second look, longest first. Reported, not refused. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files
    .map((file) => ({ path: file.path, lines: lineCount(file.text) }))
    .filter(({ lines }) => lines > linesToLookAgain)
    .toSorted((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path} (${lines} lines)`);
}

/** Folders that hold too many source files; tests are not counted. */
export function crowdedFolders(files: readonly SourceFile[]): string[] {
  const sources = files.filter((file) => !isTest(file.path));
  return Object.entries(Object.groupBy(sources, (file) => posix.dirname(file.path)))
    .filter(([, inside = []]) => inside.length > filesPerFolderMax)
    .map(([folder, inside = []]) => `${folder} has ${inside.length} source files`);
}

const forbiddenWords = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'types', 'manager', 'service']);

/** Names that are not kebab-case or say nothing. */
export function nameBreaches(paths: readonly string[]): string[] {
  const names = new Set(
    paths.flatMap((path) =>
      path.split('/').map((name, index, all) => ({ name, isFile: index === all.length - 1, path })),
    ),
  );
  return [...names].flatMap(({ name, isFile, path }) => {
    const stem = isFile ? name.replace(/(\.test|\.fixture|\.config|\.d)?\.[a-z0-9]+$/, '') : name;
    if (!/^\.?[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) return [`${path}: "${stem}" is not kebab-case`];
    const words = stem.split('-').filter((word) => forbiddenWords.has(word));
    return words.length > 0 ? [`${path}: "${words[0]}" says nothing about what is inside`] : [];
  });
}

/** Folders and files of src that a tree in ARCHITECTURE.md must name: first and second level. */
export function foldersOf(files: readonly SourceFile[]): string[] {
  const folders = files.flatMap((file) => {
    const parts = posix.dirname(file.path).split('/');
    return [parts.slice(0, 2), parts.slice(0, 3)].filter((each) => each.length > 1 && each[0] === 'src');
  });
  return [...new Set(folders.map((each) => `${each.join('/')}/`))].toSorted();
}

/** Folders that the fenced trees of ARCHITECTURE.md name with a line of text: `src/core/record/   what it is`. */
export function foldersInTree(markdown: string): string[] {
  const fences = [...markdown.matchAll(/^```[^\n]*\n(.*?)^```/gms)].map((match) => match[1] ?? '');
  return fences
    .flatMap((fence) => fence.split('\n'))
    .flatMap((line) => /^\s*(src(?:\/[a-z0-9-]+)+\/)\s+\S/.exec(line)?.[1] ?? [])
    .toSorted();
}
