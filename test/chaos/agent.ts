// An ordinary program on the AI SDK: calls a model and a tool again and again, and knows nothing of being recorded.
import process from 'node:process';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, tool } from 'ai';
import { z } from 'zod';

const name = process.env['AGENT_NAME'] ?? 'agent';
const calls = Number(process.env['AGENT_CALLS'] ?? '1000000');
const openai = createOpenAI({ baseURL: process.env['AGENT_BASE_URL'] ?? '', apiKey: 'none' });

for (let call = 0; call < calls; call += 1) {
  await generateText({
    model: openai.chat('m'),
    prompt: `${name} call ${call}`,
    tools: { add: tool({ inputSchema: z.object({ a: z.number() }), execute: async ({ a }) => a + 1 }) },
    stopWhen: stepCountIs(3),
    maxRetries: 2,
    telemetry: { functionId: name },
  });
}
