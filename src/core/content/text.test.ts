import { describe, expect, it } from 'vitest';
import { contentKinds } from './content.ts';
import { contentToPreview, contentToText, toSummaryLine } from './text.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('words of contents', () => {
  it('are found whatever form a message has', () => {
    const forms = [
      { role: 'user', content: 'hello there' },
      { role: 'user', content: [{ type: 'text', text: 'hello there' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'hello there' }] },
      { role: 'user', parts: [{ text: 'hello there' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello there' }] },
    ];
    for (const form of forms) {
      expect(contentToText('message', bytesOf(JSON.stringify(form)))).toBe('hello there');
      expect(contentToPreview('message', bytesOf(JSON.stringify(form)))).toBe('hello there');
    }
  });

  it('never make a reader throw, however deep or odd the value is', () => {
    const deep = [
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      `${'{"type":"message","content":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
      'no json {',
      'null',
      '""',
      '[null]',
    ];
    for (const kind of contentKinds) {
      for (const text of deep) {
        expect(typeof contentToText(kind, bytesOf(text))).toBe('string');
        expect(typeof contentToPreview(kind, bytesOf(text))).toBe('string');
      }
    }
  });

  it('fit on one line of at most 200 code points, ellipsis included', () => {
    expect(toSummaryLine(' a \n\t b ')).toBe('a b');
    expect(toSummaryLine(' \n ')).toBeNull();
    const long = toSummaryLine('😀'.repeat(300))!;
    expect(Array.from(long)).toHaveLength(200);
    expect(long.endsWith('…')).toBe(true);
  });
});
