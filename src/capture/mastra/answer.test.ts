import { expect, test } from 'vitest';
import { createAnswer } from './answer.ts';
import { isSamePrompt } from './prompt.ts';

type Chunk = readonly [type: string, payload: Record<string, unknown>];

function answerOf(...chunks: readonly Chunk[]) {
  const answer = createAnswer();
  chunks.forEach(([type, payload], at) => answer.add(type, payload, (at + 1) * 10));
  return answer;
}

test('parts stand in their order; words of one kind in a row are one', () => {
  const answer = answerOf(
    ['response-metadata', { id: 'r1', modelId: 'm-1' }],
    ['reasoning-start', { id: 'a' }],
    ['reasoning-delta', { id: 'a', text: 'Well, ' }],
    ['reasoning-delta', { id: 'a', text: 'then.' }],
    ['text-start', { id: 'b' }],
    ['text-delta', { id: 'b', text: 'See ' }],
    ['text-delta', { id: 'b', text: 'here' }],
    ['source', { sourceType: 'url', id: 's', url: 'https://e.org' }],
  );
  expect(answer.parts()).toEqual([
    { type: 'reasoning', text: 'Well, then.' },
    { type: 'text', text: 'See here' },
    { type: 'source', sourceType: 'url', id: 's', url: 'https://e.org' },
  ]);
  expect([answer.responseId, answer.modelId, answer.firstMs, answer.lastMs]).toEqual(['r1', 'm-1', 30, 80]);
  expect(answer.summary('stop')).toMatchObject({ textDeltas: 2, sources: 1, parts: 8, errors: 0 });
});

test('tool inputs grow apart from each other; the final call takes its input’s place', () => {
  const answer = answerOf(
    ['tool-call-input-streaming-start', { toolCallId: 'a', toolName: 'read' }],
    ['tool-call-delta', { toolCallId: 'a', argsTextDelta: '{"p":' }],
    ['tool-call-input-streaming-start', { toolCallId: 'b', toolName: 'write' }],
    ['tool-call-delta', { toolCallId: 'b', argsTextDelta: '{"q"' }],
    ['tool-call-delta', { toolCallId: 'a', argsTextDelta: '1}' }],
    ['tool-call', { toolCallId: 'a', toolName: 'read', args: { p: 1 } }],
  );
  expect(answer.parts()).toEqual([
    { type: 'tool-call', toolCallId: 'a', toolName: 'read', input: { p: 1 } },
    { type: 'tool-call', toolCallId: 'b', toolName: 'write', input: '{"q"', incomplete: true },
  ]);
});

test('what the provider ran is in the answer; what the program ran is for the next prompt', () => {
  const answer = answerOf(
    ['tool-result', { toolCallId: 'a', toolName: 'search', result: [1], providerExecuted: true }],
    ['tool-result', { toolCallId: 'b', toolName: 'read', args: { p: 1 }, result: 'words' }],
    ['tool-error', { toolCallId: 'c', toolName: 'write', args: {}, error: new Error('full') }],
  );
  expect(answer.parts()).toEqual([{ type: 'tool-result', toolCallId: 'a', toolName: 'search', result: [1] }]);
  expect(answer.results()).toMatchObject([
    { toolCallId: 'b', output: { type: 'text', value: 'words' }, input: { p: 1 } },
    { toolCallId: 'c', output: { type: 'error-text', value: 'full' } },
  ]);
  expect(answer.lastMs).toBeNull();
});

test('the first error stands, the last one is told', () => {
  const [first, last] = [new Error('first'), { message: 'last' }];
  const answer = answerOf(['error', { error: first }], ['error', { error: last }]);
  expect(answer.error?.error).toBe(first);
  expect(answer.summary('error')).toMatchObject({ errors: 2, lastError: 'last' });
});

test('prompts are the same whatever the order of keys and Mastra’s own marks', () => {
  const marked = {
    role: 'user',
    content: [{ type: 'text', text: 'a', providerOptions: { mastra: { createdAt: 1 } } }],
  };
  const plain = { content: [{ text: 'a', type: 'text' }], role: 'user' };
  expect(isSamePrompt([marked], [plain])).toBe(true);
  const cached = { ...plain, providerOptions: { anthropic: { cacheControl: 1 } } };
  expect(isSamePrompt([plain], [cached])).toBe(false);
  expect(isSamePrompt([plain], [plain, plain])).toBe(false);
});
