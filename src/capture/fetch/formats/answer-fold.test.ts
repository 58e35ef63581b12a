import { describe, expect, test } from 'vitest';
import { anthropicMessages } from './anthropic-messages.ts';
import { googleGenerate } from './google-generate.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';

describe('a whole answer', () => {
  const chatCall = { id: 'c', function: { name: 'f', arguments: '{}' } };
  const chat = (message: object): object => ({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
  const google = (part: object): object => ({ candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }] });
  const responses = (item: object): object => ({ object: 'response', status: 'completed', output: [item] });

  test.each([
    [openaiChat, chat({ content: 'hi' }), 'stop'],
    [openaiChat, chat({ tool_calls: [chatCall] }), 'tool-calls'],
    [googleGenerate, google({ text: 'hi' }), 'stop'],
    [googleGenerate, google({ functionCall: { name: 'f', args: {} } }), 'tool-calls'],
    [openaiResponses, responses({ type: 'message', content: [{ text: 'hi' }] }), 'stop'],
    [openaiResponses, responses({ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }), 'tool-calls'],
    [openaiResponses, responses({ type: 'web_search_call', id: 'w' }), 'stop'],
  ])('of $name that stops asks for tools when it holds calls of the caller (%#)', (format, body, unified) => {
    expect(format.foldResponse(body as Record<string, unknown>).finishReason?.unified).toBe(unified);
  });

  test('of a provider that has a word for tools is believed', () => {
    const content = [{ type: 'tool_use', id: 't', name: 'f', input: {} }];
    const asked = anthropicMessages.foldResponse({ type: 'message', content, stop_reason: 'tool_use' });
    const ended = anthropicMessages.foldResponse({ type: 'message', content, stop_reason: 'end_turn' });
    expect([asked, ended].map(({ finishReason }) => finishReason?.unified)).toEqual(['tool-calls', 'stop']);
  });

  test('that has only begun reports no usage, no reason and no end', () => {
    expect(openaiChat.foldResponse({ model: 'm', choices: [] })).toEqual({
      parts: [],
      model: 'm',
      responseId: null,
      usage: null,
      usageRaw: undefined,
      cost: null,
      finishReason: null,
      isFinished: false,
      error: null,
      textDeltas: 0,
    });
  });
});
