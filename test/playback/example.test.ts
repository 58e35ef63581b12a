import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlaybackServer } from './server.ts';
import { createPlaybackServer } from './server.ts';

const program = join(import.meta.dirname, '../../examples/ai-sdk-agent/agent.mjs');

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function asks(...calls: { id: string; name: string; input: object }[]): object {
  const toolCalls = calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));
  const message = { role: 'assistant', content: null, tool_calls: toolCalls };
  return {
    id: 'c',
    object: 'chat.completion',
    created: 0,
    model: 'gpt-5-mini',
    choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
    usage,
  };
}

function says(content: string): object {
  return {
    id: 'c',
    object: 'chat.completion',
    created: 0,
    model: 'gpt-5-mini',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage,
  };
}

test('the example agent looks up, computes and answers', async () => {
  const baseUrl = server.script([
    {
      body: asks(
        { id: 'a', name: 'population', input: { town: 'Bern' } },
        { id: 'b', name: 'population', input: { town: 'Oslo' } },
      ),
    },
    { body: asks({ id: 'c', name: 'subtract', input: { a: 724_000, b: 137_000 } }) },
    { body: says('Oslo is larger by 587,000 people.') },
  ]);
  const env = { ...process.env, OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: 'k', NODE_OPTIONS: '' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env });
  expect(stdout.trim()).toBe('Oslo is larger by 587,000 people.');
  expect(stderr).toContain('(3 steps)');
  const bodies = server
    .requests(baseUrl)
    .map((request) => JSON.parse(request.body) as { messages: { role: string; content: string }[] });
  const results = bodies
    .at(-1)!
    .messages.filter((message) => message.role === 'tool')
    .map((message) => message.content);
  expect(results).toEqual(['{"town":"Bern","people":137000}', '{"town":"Oslo","people":724000}', '587000']);
});
