import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { TachographError } from '../../core/error.ts';

/** What a page is made of. */
export interface PageParts {
  /** The viewer as one classic script and one sheet of styles. */
  readonly script: string;
  readonly style: string;
  /** What the viewer would be answered by a server, as JSON text. */
  readonly book: string;
  /** Run files, each by the id of its run. */
  readonly files: ReadonlyMap<string, Buffer>;
}

// Everything recorded is base64 of gzip: of its alphabet nothing can end a script element or begin one, whatever was
// recorded, and the run files keep their exact bytes.
const pack = (bytes: Buffer | string): string => gzipSync(bytes, { level: 9 }).toString('base64');

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The viewer's own script, written so that the HTML parser finds no end in it. */
function toInlineScript(script: string): string {
  return script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

/**
 * One HTML file with the viewer and the runs in it. Its policy lets nothing run but the viewer, by its hash, and nothing be
 * asked of any network.
 */
export function partsToPage({ script, style, book, files }: PageParts): string {
  const code = toInlineScript(script);
  if (/<\/style/i.test(style))
    throw new TachographError('internal', 'The styles of the viewer would end their element.');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(code)}`,
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const runFiles = [...files].map(
    ([runId, bytes]) => `<script type="text/plain" data-run-file="${runId}">${pack(bytes)}</script>\n`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Tachograph</title>
<style>${style}</style>
</head>
<body>
<div id="root"></div>
<noscript>This page needs JavaScript. Without it, use: npx tachograph show &lt;this file&gt;</noscript>
<script type="text/plain" id="tachograph-book">${pack(book)}</script>
${runFiles.join('')}<script>${code}</script>
</body>
</html>
`;
}

/** The run files in a page, each as it was packed (gzip). */
export function pageToRunFiles(page: string): readonly Buffer[] {
  return [
    ...page.matchAll(/<script type="text\/plain" data-run-file="[0-9a-f-]{36}">([A-Za-z0-9+/=]*)<\/script>/g),
  ].map((match) => Buffer.from(match[1]!, 'base64'));
}
