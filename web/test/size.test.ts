import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildViewer, removeViewer } from './browser.ts';

let dist = '';

describe('build', () => {
  beforeAll(async () => {
    dist = await buildViewer();
  });

  afterAll(() => removeViewer(dist));

  it('sends at most 250 kB of script, gzipped, for the first page', () => {
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    const first = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1]!);
    expect(first.length).toBeGreaterThan(0);
    const bytes = first.reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path))).length, 0);
    expect(bytes).toBeLessThanOrEqual(250_000);
  });

  it('inlines nothing and names no other origin', () => {
    const html = readFileSync(join(dist, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*\ssrc=)|https?:/);
    for (const file of readdirSync(join(dist, 'assets'))) {
      if (file.endsWith('.css'))
        expect(readFileSync(join(dist, 'assets', file), 'utf8')).not.toMatch(/https?:|data:|@import/);
    }
  });
});
