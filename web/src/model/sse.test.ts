import { describe, expect, it } from 'vitest';
import { createEventParser } from './sse.ts';

const text = 'retry: 1000\n\n: beat\n\nid: 7\nevent: run\ndata: {"a":\ndata: 1}\n\nid: 8\r\ndata:x\r\n\r\n';
const whole = [
  { id: '7', event: 'run', data: '{"a":\n1}' },
  { id: '8', event: 'message', data: 'x' },
];

describe('server-sent events', () => {
  it('reads the same however the text is cut', () => {
    for (let cut = 1; cut < text.length; cut += 1) {
      const parser = createEventParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(whole);
    }
    const parser = createEventParser();
    expect([...text].flatMap((letter) => parser.push(letter))).toEqual(whole);
  });
});
