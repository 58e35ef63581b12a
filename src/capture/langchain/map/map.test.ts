import { AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { describe, expect, test } from 'vitest';
import { toMessage } from '../../../core/content/message.ts';
import { messageToPlain, toPlain } from './message.ts';
import { isBubbleUp, toInterrupts } from './outcome.ts';
import { createMessageRecall } from './recall.ts';
import { toModelStart } from './request.ts';
import { resultToFinish } from './response.ts';
import { toToolArgs, toToolResult } from './tool.ts';
import { toRecordedUsage } from './usage.ts';

describe('a message', () => {
  test.each([
    [new SystemMessage('s'), { role: 'system', content: [{ type: 'text', text: 's' }] }],
    [
      new HumanMessage({ content: 'h', name: 'ann' }),
      { role: 'user', name: 'ann', content: [{ type: 'text', text: 'h' }] },
    ],
    [new ChatMessage('c', 'critic'), { role: 'critic', content: [{ type: 'text', text: 'c' }] }],
    [
      new ToolMessage({ content: 'no', tool_call_id: 't1', name: 'look', status: 'error' }),
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 't1', toolName: 'look', output: { type: 'error-text', value: 'no' } },
        ],
      },
    ],
    [
      new AIMessage({
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'x' },
          { type: 'text', text: 'yes' },
          { type: 'tool_use', id: 'a', name: 'look', input: {} },
        ],
        tool_calls: [{ id: 'a', name: 'look', args: { at: 1 } }],
      }),
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm', signature: 'x' },
          { type: 'text', text: 'yes' },
          { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: { at: 1 } },
        ],
      },
    ],
    [
      new AIMessage({ content: 'b', additional_kwargs: { reasoning_content: 'a' } }),
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ],
  ])('%# has a role and typed parts', (message, plain) => {
    expect(messageToPlain(message)).toEqual(plain);
    expect(toMessage(plain).parts.map(({ type }) => type)).not.toContain('other');
  });

  test('that says what it said keeps its identity; one that was changed in place does not', () => {
    const recall = createMessageRecall();
    const messages = [new HumanMessage('a'), new HumanMessage('b')];
    const [first, second] = recall.of(messages);
    messages[1]!.content = 'c';
    const [again, changed] = recall.of(messages);
    expect(again).toBe(first);
    expect(changed).not.toBe(second);
    expect(changed).toEqual({ role: 'user', content: [{ type: 'text', text: 'c' }] });
  });

  test('inside a value of the user’s stands as what it says', () => {
    const own = new Date(0);
    expect(toPlain({ a: [new HumanMessage('x')], own, n: 1 })).toEqual({
      a: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
      own,
      n: 1,
    });
  });
});

describe('usage', () => {
  test('counts the cache in the input, and its lifetimes where Anthropic tells them', () => {
    const given = {
      input_tokens: 100,
      output_tokens: 20,
      input_token_details: { cache_read: 60, cache_creation: 30 },
      output_token_details: { reasoning: 5 },
    };
    const raw = { cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } };
    expect(toRecordedUsage(given, raw)).toEqual({
      input: {
        total: 100,
        noCache: 10,
        cacheRead: 60,
        cacheWrite: 30,
        cacheWriteFiveMinutes: 10,
        cacheWriteOneHour: 20,
      },
      output: { total: 20, text: 15, reasoning: 5 },
      requests: 1,
    });
  });

  test('that was not reported is null, never zero (I12)', () => {
    expect(toRecordedUsage(undefined, undefined)).toBeNull();
    expect(toRecordedUsage({}, undefined)).toBeNull();
    expect(toRecordedUsage({ input_tokens: 3, output_tokens: 2 }, undefined)).toMatchObject({
      input: { total: 3, noCache: null, cacheRead: null, cacheWrite: null },
      output: { total: 2, text: null, reasoning: null },
    });
  });
});

describe('a call', () => {
  test('has its options under their common names, the rest counted, the schema of its answer apart', () => {
    const start = toModelStart({
      messages: [],
      metadata: { ls_provider: 'google_genai', ls_model_name: 'gemini-9' },
      extra: {
        invocation_params: {
          max_tokens: 5,
          top_p: 0.1,
          store: true,
          stream: false,
          response_format: { type: 'json_schema' },
        },
      },
    });
    expect(start).toMatchObject({
      provider: 'google',
      model: 'gemini-9',
      options: {
        maxOutputTokens: 5,
        topP: 0.1,
        structuredOutput: true,
        providerOptions: { store: true },
        providerOptionCount: 1,
      },
      request: { responseFormat: { type: 'json_schema' } },
    });
    expect(start.options).not.toHaveProperty('stream');
  });

  test('that nothing is known of is still an answer', () => {
    expect(resultToFinish(undefined, false)).toEqual({ status: 'completed', response: [], usage: null });
    expect(resultToFinish({ generations: [[{ text: 'x' }]] }, false)).toMatchObject({
      response: [{ type: 'text', text: 'x' }],
    });
  });

  test('has the id of its provider, not the one that LangChain makes up', () => {
    const answer = (id: string) => ({ generations: [[{ text: '', message: new AIMessage({ id, content: '' }) }]] });
    expect(resultToFinish(answer('run-7'), false).providerResponseId).toBeUndefined();
    expect(resultToFinish(answer('msg_7'), false).providerResponseId).toBe('msg_7');
  });
});

describe('a tool', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['{not json', '{not json'],
    ['words', 'words'],
    [{ a: 1 }, { a: 1 }],
  ])('takes %j as %j', (given, args) => expect(toToolArgs(given)).toEqual(args));

  test('gives the content of its message, and its artifact', () => {
    expect(toToolResult(new ToolMessage({ content: 'x', tool_call_id: 'a' }))).toEqual({
      result: 'x',
      isFailed: false,
    });
    expect(toToolResult(new ToolMessage({ content: 'x', artifact: { n: 1 }, tool_call_id: 'a' })).result).toEqual({
      content: 'x',
      artifact: { n: 1 },
    });
    expect(toToolResult(undefined)).toEqual({ result: null, isFailed: false });
  });
});

describe('what is thrown', () => {
  test('by LangGraph to leave a node is no error', () => {
    const pause = Object.assign(new Error('x'), {
      name: 'GraphInterrupt',
      is_bubble_up: true,
      interrupts: [{ value: 1 }],
    });
    expect([isBubbleUp(pause), toInterrupts(pause)]).toEqual([true, [{ value: 1 }]]);
    expect([isBubbleUp(new Error('x')), toInterrupts(new Error('x'))]).toEqual([false, undefined]);
  });
});
