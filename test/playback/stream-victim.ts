import { streamText } from 'ai';
import { createAiSdkCapture } from '../../src/capture/ai-sdk/index.ts';
import { openRecorder } from '../../src/journal/index.ts';
import { createScriptedModel } from './scripted-model.ts';

// Reads a stream that never ends, tells its parent once it has read the words, and waits to be killed.
const [home, flush] = process.argv.slice(2) as [string, string];
const recorder = openRecorder({ home });
const streamFlushMs = Number(flush);
createAiSdkCapture({ recorder, ...(streamFlushMs > 0 ? { streamFlushMs } : {}) }).install();

const words = Array.from({ length: 1000 }, (_, index) => `word${index}`).join(' ');
const stream = new ReadableStream({
  start(source) {
    source.enqueue({ type: 'text-start', id: '0' });
    source.enqueue({ type: 'text-delta', id: '0', delta: words });
  },
});
const result = streamText({ model: createScriptedModel([{ stream: stream as never }]), prompt: 'tell me all' });
const stay = setInterval(() => undefined, 1000);
for await (const part of result.stream)
  if (part.type === 'text-delta') setTimeout(() => process.stdout.write('read\n'), streamFlushMs * 5 + 50);
clearInterval(stay);
