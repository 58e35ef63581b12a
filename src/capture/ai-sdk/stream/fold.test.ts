import { describe, expect, test } from 'vitest';
import type { StreamEnd } from './fold.ts';
import { createStreamFold } from './fold.ts';

const usage = { inputTokens: { total: 3 }, outputTokens: { total: 2 } };
const finish = { type: 'finish', finishReason: { unified: 'stop', raw: 'end_turn' }, usage };
const words = [
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'Hel' },
  { type: 'text-delta', id: '0', delta: 'lo' },
];
const abort = new DOMException('stopped', 'AbortError');
const deadline = new DOMException('too late', 'TimeoutError');
const broken = new Error('overloaded');

function fold(parts: readonly unknown[], end: StreamEnd) {
  const stream = createStreamFold(100);
  parts.forEach((part, index) => stream.add(part, 110 + index * 10));
  return stream.outcome(end);
}

describe('the situations of a stream', () => {
  const cases: [string, readonly unknown[], StreamEnd, { status: string; usage: unknown; error?: unknown }][] = [
    ['finish and read to the end', [...words, finish], { kind: 'eof' }, { status: 'completed', usage }],
    ['finish, then left', [...words, finish], { kind: 'left' }, { status: 'completed', usage }],
    ['left before finish', words, { kind: 'left' }, { status: 'interrupted', usage: undefined }],
    ['ended without finish', words, { kind: 'eof' }, { status: 'interrupted', usage: undefined }],
    [
      'error part that is an abort',
      [...words, { type: 'error', error: abort }],
      { kind: 'eof' },
      { status: 'interrupted', usage: undefined, error: abort },
    ],
    [
      'error part that is an abort, then a finish',
      [...words, { type: 'error', error: abort }, finish],
      { kind: 'eof' },
      { status: 'interrupted', usage, error: abort },
    ],
    [
      'error part that is a deadline',
      [...words, { type: 'error', error: deadline }],
      { kind: 'eof' },
      { status: 'interrupted', usage: undefined, error: deadline },
    ],
    [
      'any other error part',
      [...words, { type: 'error', error: broken }],
      { kind: 'eof' },
      { status: 'error', usage: undefined, error: broken },
    ],
    [
      'an error part, then another and a finish',
      [...words, { type: 'error', error: broken }, { type: 'error', error: abort }, finish],
      { kind: 'eof' },
      { status: 'error', usage, error: broken },
    ],
    ['read error', words, { kind: 'error', error: broken }, { status: 'error', usage: undefined, error: broken }],
    [
      'read error that is an abort',
      words,
      { kind: 'error', error: abort },
      { status: 'interrupted', usage: undefined, error: abort },
    ],
    [
      'aborted and never read',
      [],
      { kind: 'aborted', reason: abort },
      { status: 'interrupted', usage: undefined, error: abort },
    ],
    [
      'aborted half way',
      words,
      { kind: 'aborted', reason: abort },
      { status: 'interrupted', usage: undefined, error: abort },
    ],
    [
      'aborted after the finish part',
      [...words, finish],
      { kind: 'aborted', reason: abort },
      { status: 'completed', usage },
    ],
    [
      'read error by abort after the finish part',
      [...words, finish],
      { kind: 'error', error: abort },
      { status: 'completed', usage },
    ],
    ['unread', words, { kind: 'unread' }, { status: 'interrupted', usage: undefined }],
  ];
  test.each(cases)('%s', (_name, parts, end, expected) => {
    const outcome = fold(parts, end);
    expect({ status: outcome.status, usage: outcome.usage, error: outcome.error }).toEqual({
      error: undefined,
      ...expected,
    });
    if (parts.length > 0) expect(outcome.response).toEqual([{ type: 'text', text: 'Hello' }]);
  });

  test('may be judged again when an unread stream is taken up', () => {
    const stream = createStreamFold(0);
    words.forEach((part) => stream.add(part, 1));
    expect(stream.outcome({ kind: 'unread' }).status).toBe('interrupted');
    stream.add(finish, 2);
    expect(stream.outcome({ kind: 'eof' }).status).toBe('completed');
  });
});

describe('collecting parts', () => {
  test('merges parts of one kind in a row, unless one carries something of its own', () => {
    const signed = { anthropic: { signature: 'abc' } };
    const outcome = fold(
      [
        { type: 'reasoning-start', id: 'r1' },
        { type: 'reasoning-delta', id: 'r1', delta: 'one' },
        { type: 'reasoning-delta', id: 'r1', delta: '', providerMetadata: signed },
        { type: 'reasoning-end', id: 'r1' },
        { type: 'reasoning-start', id: 'r2' },
        { type: 'reasoning-delta', id: 'r2', delta: 'two' },
        { type: 'text-start', id: '0' },
        { type: 'text-delta', id: '0', delta: 'a' },
        { type: 'text-end', id: '0' },
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'b' },
        { type: 'text-end', id: '1' },
        finish,
      ],
      { kind: 'eof' },
    );
    expect(outcome.response).toEqual([
      { type: 'reasoning', text: 'one', providerMetadata: signed },
      { type: 'reasoning', text: 'two' },
      { type: 'text', text: 'ab' },
    ]);
  });

  test('collects tool input per call across interleaved text; the final call takes its place', () => {
    const parts = [
      { type: 'tool-input-start', id: 'a', toolName: 'read' },
      { type: 'tool-input-delta', id: 'a', delta: '{"p":' },
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'Wait' },
      { type: 'tool-input-start', id: 'b', toolName: 'write' },
      { type: 'tool-input-delta', id: 'b', delta: '{"q"' },
      { type: 'tool-input-delta', id: 'a', delta: '1}' },
      { type: 'tool-input-end', id: 'a' },
      { type: 'tool-call', toolCallId: 'a', toolName: 'read', input: '{"p":1}' },
    ];
    expect(fold(parts, { kind: 'left' }).response).toEqual([
      { type: 'tool-call', toolCallId: 'a', toolName: 'read', input: '{"p":1}' },
      { type: 'text', text: 'Wait' },
      { type: 'tool-call', toolCallId: 'b', toolName: 'write', input: '{"q"', incomplete: true },
    ]);
  });

  test('keeps the last of several preliminary results', () => {
    const outcome = fold(
      [
        { type: 'tool-result', toolCallId: 'a', toolName: 't', result: 1, preliminary: true },
        { type: 'tool-result', toolCallId: 'a', toolName: 't', result: 2 },
      ],
      { kind: 'eof' },
    );
    expect(outcome.response).toEqual([{ type: 'tool-result', toolCallId: 'a', toolName: 't', result: 2 }]);
  });

  test('measures time to the first output and between chunks, and counts', () => {
    const outcome = fold(
      [
        { type: 'stream-start', warnings: [{ type: 'other', message: 'w' }] },
        { type: 'response-metadata', id: 'resp', modelId: 'm-1' },
        ...words,
        { type: 'source', sourceType: 'url', id: 's', url: 'https://e.org' },
        finish,
      ],
      { kind: 'eof' },
    );
    expect(outcome.firstOutputMs).toBe(40);
    expect(outcome.summary).toEqual({
      finishReason: 'stop',
      textDeltas: 2,
      toolCalls: 0,
      sources: 1,
      warnings: 1,
      errors: 0,
      parts: 7,
      lastError: null,
      chunkTiming: { count: 1, minMs: 10, p10Ms: 10, medianMs: 10, meanMs: 10, p90Ms: 10, maxMs: 10 },
    });
    expect([outcome.responseId, outcome.modelId]).toEqual(['resp', 'm-1']);
  });

  test('nothing a provider may send breaks it', () => {
    const odd = [
      null,
      undefined,
      1,
      'x',
      {},
      { type: 3 },
      { type: 'text-delta' },
      { type: 'tool-input-delta' },
      { type: 'new-kind' },
    ];
    expect(fold(odd, { kind: 'eof' }).status).toBe('interrupted');
  });
});
