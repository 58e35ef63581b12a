import Anthropic from '@anthropic-ai/sdk';
import { anthropicMiddleware } from '../../../src/capture/anthropic/index.ts';
import { findRefusal } from '../../../src/core/work/gate.ts';
import type { HandledRun, RuntimeParts } from '../../../src/runtime/index.ts';
import type { StreamEnd } from './streaming-provider.ts';

/** What a run that streams is given to do. */
export interface StreamTask {
  readonly baseUrl: string;
  /** Where its answer breaks off in the first attempt; another gets it whole. */
  readonly end: StreamEnd;
}

/** Has a model answer in a stream, by a recorded client, and takes what came when the line breaks. */
export async function stream({ recorderOf }: RuntimeParts, run: HandledRun): Promise<unknown> {
  const { baseUrl, end } = run.input as StreamTask;
  const middleware = [anthropicMiddleware(recorderOf(run.projectId))];
  const client = new Anthropic({ baseURL: baseUrl, apiKey: 'none', maxRetries: 0, middleware });
  let words = '';
  try {
    const answer = await client.messages.create({
      ...{ model: 'claude-sonnet-4-5-20250929', max_tokens: 400, stream: true },
      messages: [{ role: 'user', content: run.attempt === 1 ? end : 'whole' }],
    });
    for await (const event of answer)
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') words += event.delta.text;
    return { words, isWhole: true };
  } catch (error) {
    if (findRefusal(error) !== null) throw error;
    return { words, isWhole: false };
  }
}
