import { createOpenAI } from '@ai-sdk/openai';
import { streamText } from 'ai';
import { telemetry } from '../../../lib/recorder.js';

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });

export async function POST(request) {
  const { question } = await request.json();
  const result = streamText({
    model: openai.chat(process.env.OPENAI_MODEL ?? 'gpt-5-mini'),
    prompt: String(question),
    abortSignal: request.signal,
    telemetry: { functionId: 'chat', integrations: [telemetry] },
  });
  return result.toTextStreamResponse();
}
