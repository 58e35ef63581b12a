import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pageToRunFiles, partsToPage } from './page.ts';

const hostile = '</script><script>alert(1)</script><!-- </body> " \u2028';
const runId = '01a1fd4e-3103-73d7-9b2f-f470c4d3d434';
const file = Buffer.from(`${hostile}\n`);
const page = partsToPage({
  script: 'var a = "</script><!--";',
  style: 'a { color: red }',
  book: JSON.stringify({ hostile }),
  files: new Map([[runId, file]]),
});

describe('a page', () => {
  it('holds nothing recorded as markup, and gives run files back byte for byte', () => {
    expect(page).not.toContain('alert(1)');
    expect(page.match(/<script/g)).toHaveLength(3);
    expect(page.match(/<\/script/g)).toHaveLength(3);
    expect(page).not.toContain('<!--');
    expect(pageToRunFiles(page).map((packed) => gunzipSync(packed))).toEqual([file]);
  });

  it('lets run exactly the script and styles in it', () => {
    const code = /<script>(.*?)<\/script>/s.exec(page)![1]!;
    const style = /<style>(.*?)<\/style>/s.exec(page)![1]!;
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)![1]!;
    expect(policy).toBe(
      `default-src 'none'; script-src ${hash(code)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`,
    );
  });

  it('refuses styles that would end their element', () => {
    expect(() => partsToPage({ script: '', style: '</style>', book: '{}', files: new Map() })).toThrow(/styles/);
  });
});
