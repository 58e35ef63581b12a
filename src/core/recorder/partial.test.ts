import { describe, expect, it } from 'vitest';
import { createRedactor } from '../redact/create.ts';
import type { PartialText } from '../record/recording.ts';
import { createPartialMemory } from './partial.ts';

const redactor = createRedactor({ key: new Uint8Array(32) });
const words = (chars: number): string => 'lorem ipsum '.repeat(chars / 12 + 1).slice(0, chars);
const of = (text: string, type = 'text'): readonly PartialText[] => [{ index: 0, type, text }];
const key = `ghp_${'aB3dE6gH9jK2'.repeat(3)}`;

describe('what an unfinished answer has said so far', () => {
  it('is given once, less its last 4 KiB', () => {
    const memory = createPartialMemory(redactor);
    expect(memory.next(of(words(4096)))).toEqual([]);
    expect(memory.next(of(words(5000)))).toEqual([{ index: 0, type: 'text', from: 0, text: words(904) }]);
    expect(memory.next(of(words(5000)))).toEqual([]);
    const [next] = memory.next(of(words(6000)));
    expect([next!.from, next!.text]).toEqual([904, words(6000).slice(904, 1904)]);
  });

  it('never holds half a secret, however the chunks fall', () => {
    const whole = `${words(5000)} ${key} ${words(9000)}`;
    for (const step of [5, 17]) {
      const memory = createPartialMemory(redactor);
      let written = '';
      for (let at = 4096; at <= whole.length; at += at > 4890 && at < 5200 ? step : 97)
        for (const piece of memory.next(of(whole.slice(0, at)))) written += piece.text;
      expect(written).toContain('[REDACTED:');
      for (let from = 4; from + 5 <= key.length; from += 1) expect(written).not.toContain(key.slice(from, from + 5));
    }
  });

  it('keeps a key block back until its end is seen', () => {
    const memory = createPartialMemory(redactor);
    const block = `${words(100)}-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(600)}`;
    expect(JSON.stringify(memory.next(of(block)))).not.toContain('MIIE');
    const ended = `${block}\n-----END RSA PRIVATE KEY-----\n${words(9000)}`;
    const written = JSON.stringify(memory.next(of(ended)));
    expect(written).not.toContain('MIIE');
    expect(written).toContain('lorem ipsum');
  });

  it('reads the input of a tool as the beginning of a document', () => {
    const memory = createPartialMemory(redactor);
    const pieces = memory.next(of(`{"password":"hunter2-hunter2","text":"${words(9000)}`, 'tool-call'));
    expect(JSON.stringify(pieces)).not.toContain('hunter2');
  });

  it('does not cut a character in two', () => {
    const memory = createPartialMemory(redactor);
    const face = String.fromCodePoint(0x1f600);
    const [piece] = memory.next(of(`${face.repeat(3000)}x`));
    expect(piece!.text).toBe(face.repeat(piece!.text.length / 2));
  });

  it('gives a text whose beginning has come to read otherwise no further', () => {
    const memory = createPartialMemory(redactor);
    memory.next(of(words(5000)));
    expect(memory.next(of(`X${words(9000)}`))).toEqual([]);
  });
});
