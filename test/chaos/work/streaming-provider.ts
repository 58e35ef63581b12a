import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * A provider that streams an answer and breaks off where the question says. It remembers what it gave, and what that may be
 * counted as by whoever only saw the bytes.
 */

/** Where an answer breaks off; of `stall` it only stops, and the line stays. `refused`: there is none. */
export type StreamEnd = 'whole' | 'middle' | 'start' | 'first-bytes' | 'refused' | 'stall';

/** One answer that was given. */
export interface GivenAnswer {
  readonly end: StreamEnd;
  /** Tokens that it is to be counted as: as the provider told, and by words where it told nothing. */
  readonly tokens: number;
  /** What the provider told of it; `null` when it did not come so far. */
  readonly toldTokens: { readonly input: number; readonly output: number } | null;
}

/** A provider on the loopback. */
export interface StreamingProvider {
  readonly baseUrl: string;
  readonly given: readonly GivenAnswer[];
  /** Resolves when an answer has stopped in the middle. */
  readonly stalled: Promise<void>;
  close(): Promise<void>;
}

const told = { input: 25, output: 120 };
const word = 'some forty bytes of words that come out. ';
const wordsOfHalf = 6;

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const start =
  event('message_start', {
    message: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5-20250929', content: [] },
      ...{ stop_reason: null, stop_sequence: null, usage: { input_tokens: told.input, output_tokens: 1 } },
    },
  }) + event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
const words = event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: word } });
const end =
  event('content_block_stop', { index: 0 }) +
  event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: told.output } }) +
  event('message_stop', {});

const textByEnd: Readonly<Record<StreamEnd, string>> = {
  whole: start + words.repeat(wordsOfHalf * 2) + end,
  middle: start + words.repeat(wordsOfHalf),
  start,
  'first-bytes': start.slice(0, 12),
  refused: event('error', { error: { type: 'overloaded_error', message: 'too much to do' } }),
  stall: start + words.repeat(wordsOfHalf),
};

/** Three bytes of a request are a token, and four of an answer; what is told counts where it is more. */
function toGiven(end: StreamEnd, requestBytes: number): GivenAnswer {
  if (end === 'whole') return { end, tokens: told.input + told.output, toldTokens: told };
  if (end === 'first-bytes') return { end, tokens: Math.ceil(requestBytes / 3), toldTokens: null };
  if (end === 'refused') return { end, tokens: 0, toldTokens: null };
  const begun = { input: told.input, output: 1 };
  if (end === 'start') return { end, tokens: told.input + 1, toldTokens: begun };
  // Whoever hears nothing of its end for too long counts nothing.
  if (end === 'stall') return { end, tokens: 0, toldTokens: begun };
  return { end, tokens: told.input + Math.ceil((wordsOfHalf * word.length) / 4), toldTokens: begun };
}

/** What was sent is taken before the line breaks. */
const takenMs = 150;

function answer(response: ServerResponse, end: StreamEnd, onStall: () => void): void {
  response.writeHead(end === 'refused' ? 529 : 200, { 'content-type': 'text/event-stream' });
  response.write(textByEnd[end]);
  if (end === 'whole' || end === 'refused') response.end();
  else if (end === 'stall') setTimeout(onStall, takenMs);
  else setTimeout(() => response.destroy(), takenMs);
}

/** Starts it on a free port. */
export async function startStreamingProvider(): Promise<StreamingProvider> {
  const given: GivenAnswer[] = [];
  let onStall = (): void => undefined;
  const stalled = new Promise<void>((resolve) => (onStall = resolve));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const asked = JSON.parse(text) as { readonly messages: readonly [{ readonly content: StreamEnd }] };
      const { content } = asked.messages[0];
      given.push(toGiven(content, Buffer.byteLength(text)));
      answer(response, content, onStall);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ baseUrl: `http://127.0.0.1:${port}`, given, stalled },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
