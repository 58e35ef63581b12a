import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './inputs.ts';

/** Folders of the packages whose code is in the chunks. */
export function packagesOf(chunks: readonly { readonly moduleIds: readonly string[] }[]): string[] {
  const folders = new Set<string>();
  for (const id of chunks.flatMap((chunk) => chunk.moduleIds)) {
    const match = /^(.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id.replace(/^\0/, ''));
    if (match?.[1] !== undefined && existsSync(join(match[1], 'package.json'))) folders.add(match[1]);
  }
  return [...folders].toSorted();
}

function readNotice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** Writes the licences of everything that is bundled: they ask to go wherever the code goes. */
export function writeNotices(folders: readonly string[]): void {
  const texts = [...new Set(folders)].toSorted().map(readNotice);
  const line = `\n${'-'.repeat(80)}\n\n`;
  writeFileSync(
    join(root, 'dist', 'NOTICES.txt'),
    `Tachograph contains code of these packages.\n${line}${texts.join(line)}`,
  );
}
