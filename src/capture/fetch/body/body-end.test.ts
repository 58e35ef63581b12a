import { describe, expect, test } from 'vitest';
import type { BodyEvent, BodyExpectation, BodyState } from './body-end.ts';
import { beginBody, nextBody, nextJsonScan } from './body-end.ts';

const text = (words: string): BodyEvent => ({
  type: 'chunk',
  bytes: Buffer.byteLength(words),
  text: Buffer.from(words),
});
const eof: BodyEvent = { type: 'eof' };
const left: BodyEvent = { type: 'left' };
const error: BodyEvent = { type: 'error' };
const toldEnd: BodyEvent = { type: 'told-end' };

const json = { method: 'POST', status: 200, length: null, kind: 'json' } as const;
const plain = { method: 'POST', status: 200, length: null, kind: 'other' } as const;
const stream = { method: 'POST', status: 200, length: null, kind: 'event-stream' } as const;

function run(expected: BodyExpectation, events: readonly BodyEvent[]): BodyState {
  return events.reduce(nextBody, beginBody(expected));
}

describe('when a body is whole', () => {
  test.each<[string, BodyExpectation, readonly BodyEvent[]]>([
    ['read to its end', plain, [text('abc'), eof]],
    ['empty and read to its end', plain, [eof]],
    ['HEAD has none, whatever its length says', { ...plain, method: 'HEAD', length: 10 }, []],
    ['204', { ...plain, status: 204 }, []],
    ['304 with a length', { ...plain, status: 304, length: 5 }, []],
    ['1xx', { ...plain, status: 103 }, []],
    ['length 0', { ...plain, length: 0 }, []],
    ['known length fully read, end not seen', { ...plain, length: 3 }, [text('abc')]],
    ['known length fully read, then left', { ...plain, length: 3 }, [text('ab'), text('c'), left]],
    ['known length fully read, then an error', { ...plain, length: 3 }, [text('abc'), error]],
    ['unknown length, one whole document, left', json, [text('{"a":'), text('[1,"}"]}'), left]],
    ['unknown length, one whole document and white space, left', json, [text('{"a":1}\n '), left]],
    ['a document that is a string', json, [text('"a\\"b"'), left]],
    ['an event stream at its end', stream, [text('data: 1\n\n'), eof]],
    ['an event stream left after its last event', stream, [text('data: [DONE]\n\n'), toldEnd, left]],
  ])('%s', (_name, expected, events) => {
    expect(run(expected, events).phase).toBe('completed');
  });

  test.each<[string, BodyExpectation, readonly BodyEvent[], BodyState['reason']]>([
    ['left before anything', plain, [left], 'left-early'],
    ['left in the middle', plain, [text('abc'), left], 'left-early'],
    ['left within a document', json, [text('{"a":1'), left], 'left-early'],
    ['left within a known length, its document whole', { ...json, length: 10 }, [text('{"a":1}'), left], 'left-early'],
    ['a number may go on', json, [text('12'), left], 'left-early'],
    ['an event stream left in the middle', stream, [text('data: 1\n\n'), left], 'left-early'],
    ['the end before the known length', { ...plain, length: 10 }, [text('abc'), eof], 'short'],
    ['two documents', json, [text('{"a":1}{"b"'), eof], 'two-documents'],
    ['two documents in two chunks', json, [text('{}'), text('[]'), eof], 'two-documents'],
    ['two documents within a known length', { ...json, length: 4 }, [text('{}'), text('[]')], 'two-documents'],
    ['a read error', plain, [text('abc'), error], 'error'],
    ['a read error after a whole document of unknown length', json, [text('{}'), error], 'error'],
    ['an event stream whose connection breaks after its end', stream, [text('data: 1\n\n'), eof, error], 'error'],
  ])('not: %s', (_name, expected, events, reason) => {
    expect(run(expected, events)).toMatchObject({ phase: 'failed', reason });
  });

  test('a failed body stays failed, and bytes are counted', () => {
    const state = run(plain, [text('abc'), error, text('def'), eof]);
    expect(state).toMatchObject({ phase: 'failed', reason: 'error', bytes: 3 });
  });

  test('documents are counted the same however the bytes are cut', () => {
    const bytes = Buffer.from('{"a":"\\\\\\"}{","b":[{}, "]"]} [1] "x{" 12 true ');
    const scan0 = nextJsonScan(beginBody(json).scan, bytes);
    expect(scan0.documents).toBe(5);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const first = nextJsonScan(beginBody(json).scan, bytes.subarray(0, cut));
      expect(nextJsonScan(first, bytes.subarray(cut))).toEqual(scan0);
    }
  });
});
