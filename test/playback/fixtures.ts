import { APICallError, tool } from 'ai';
import { z } from 'zod';
import { createAiSdkCapture } from '../../src/capture/ai-sdk/index.ts';
import type { Recording } from './recording.ts';
import { createRecording } from './recording.ts';

/** A tool that always knows the weather. */
export const weather = tool({
  description: 'Weather of a town',
  inputSchema: z.object({ town: z.string() }),
  execute: async ({ town }) => ({ town, sky: 'clear' }),
});

/** The error that a provider client throws for this status. */
export function providerError(status: number, headers: Record<string, string> = {}): APICallError {
  return new APICallError({
    message: 'try later',
    url: 'https://api.example.com/v1/chat',
    requestBodyValues: { asked: 1 },
    statusCode: status,
    responseHeaders: { 'retry-after-ms': '1', 'request-id': 'req-9', ...headers },
    responseBody: '{"error":"later"}',
  });
}

/** Records what the whole process does with the SDK, until `stop`. */
export function recordProcess(): { readonly recording: Recording; stop(): void } {
  const recording = createRecording();
  const complaints = recording.complaints as unknown[];
  const stop = createAiSdkCapture({
    recorder: recording.recorder,
    onError: (error) => void complaints.push(error),
  }).install();
  return { recording, stop };
}
