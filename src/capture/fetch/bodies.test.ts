import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { BodyRef } from '../../core/model/attempt.ts';
import { readBody } from '../../core/content/body-reading.ts';
import { rootNodeId } from '../../core/content/context.ts';
import type { Content } from '../../core/content/content.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { chatBody, chatPath, post } from '../../../test/playback/loopback.ts';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import type { RecordingFetchOptions } from './index.ts';
import { recordingFetch } from './index.ts';

const { origin, handlers } = await openHttpStage();

/** The bytes of a recorded body, out of the journal. */
async function bodyOf({ journal }: Pick<Recording, 'journal'>, ref: BodyRef): Promise<string> {
  const contents = journal.entries.flatMap((entry) => entry.contents);
  const nodes = journal.entries.flatMap((entry) => entry.nodes);
  const readContents = async (ids: readonly string[]): Promise<Content[]> =>
    ids.flatMap((id) => contents.find((content) => content.id === id) ?? []);
  const bytes = await readBody(ref, {
    readContents,
    readPath(nodeId) {
      const ids: string[] = [];
      for (let id = nodeId; id !== rootNodeId;) {
        const node = nodes.find((one) => one.id === id)!;
        ids.unshift(node.contentId);
        id = node.parentId;
      }
      return readContents(ids);
    },
  });
  return Buffer.from(bytes!).toString();
}

const contentBytes = ({ journal }: Pick<Recording, 'journal'>): number =>
  journal.entries.reduce(
    (sum, entry) => sum + entry.contents.reduce((inner, { bytes }) => inner + bytes.byteLength, 0),
    0,
  );

/** Records through a recorder that would keep any length of body. */
function createUncut(options: RecordingFetchOptions): {
  fetch: typeof fetch;
  recording: Pick<Recording, 'journal'>;
  last: () => BodyRef;
} {
  const journal = createMemoryJournal();
  const recorder = createRecorder({
    journal,
    contentKey: new Uint8Array(32),
    limits: { bodyBytesMax: 64 * 1024 * 1024 },
  });
  const last = (): BodyRef => {
    const end = journal.entries.filter(({ event }) => event.header.type === 'attempt-end').at(-1)!;
    return (JSON.parse(end.event.payload!) as { body: BodyRef }).body;
  };
  return { fetch: recordingFetch(recorder, undefined, options), recording: { journal }, last };
}

describe('request bodies', () => {
  test('each turn of a conversation costs what is new in it, and reads back byte for byte', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices":[]}');
    const recording = createRecording();
    const recorded = recordingFetch(recording.recorder);
    const word = (turn: number): string => `turn ${turn} ${'words of this turn '.repeat(60)}`;
    const sent: string[] = [];
    const costs: number[] = [];
    await recording.recorder.run({ agentId: 'a' }, async () => {
      for (let turn = 1; turn <= 30; turn += 1) {
        const messages = Array.from({ length: turn }, (_, index) => ({ role: 'user', content: word(index) }));
        sent.push(JSON.stringify({ model: 'gpt-9', messages, temperature: 0.5 }));
        const before = contentBytes(recording);
        await (await recorded(origin + chatPath, post(sent.at(-1)!))).text();
        costs.push(contentBytes(recording) - before);
      }
    });
    const { attempts } = recording.run();
    const read = await Promise.all(attempts.map(({ requestBody }) => bodyOf(recording, requestBody!)));
    expect(read).toEqual(sent);
    // One message, as a message and as a piece of the body, and what stands around it; whole, the last body is 37 kB.
    const cost = Math.max(...costs.slice(2));
    expect(sent.at(-1)!.length).toBeGreaterThan(30_000);
    expect(cost).toBeLessThan(4 * word(1).length);
    expect(Math.max(...costs.slice(-5))).toBeLessThan(1.2 * Math.max(...costs.slice(2, 7)));
  });

  test('a JSON body is never cut, others are, and say so', async () => {
    handlers['/any'] = (_request, response) => void response.end();
    const recording = createRecording();
    const recorded = recordingFetch(recording.recorder);
    const long = chatBody('w'.repeat(120_000));
    const form = new URLSearchParams({ a: 'f'.repeat(120_000) });
    await recorded(`${origin}/any`, post(long));
    await recorded(`${origin}/any`, { method: 'POST', body: form });
    const [json, fields] = recording.runs().flatMap(({ attempts }) => attempts.map(({ requestBody }) => requestBody!));
    expect(json).toMatchObject({ truncated: false, bytes: long.length });
    expect(await bodyOf(recording, json!)).toBe(long);
    expect(fields).toMatchObject({ truncated: true, bytes: form.toString().length });
    expect(await bodyOf(recording, fields!)).toBe(form.toString().slice(0, 50_000));
  });

  test('a body that breaks on its way fails the request, and half of it is no request', async () => {
    let requests = 0;
    handlers[chatPath] = (_request, response) => {
      requests += 1;
      response.end();
    };
    const recording = createRecording();
    const recorded = recordingFetch(recording.recorder);
    const breaking = (): ReadableStream =>
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('{"model":'));
          await sleep(20);
          controller.error(new Error('the source broke'));
        },
      });
    const init = { ...post(breaking()), duplex: 'half' } as RequestInit;
    await expect(recorded(origin + chatPath, init)).rejects.toThrow();
    await expect(recorded(new Request(origin + chatPath, { ...init, body: breaking() }))).rejects.toThrow();
    const used = new Request(origin + chatPath, post('{}'));
    await used.text();
    await expect(recorded(used)).rejects.toThrow(TypeError);
    await sleep(20);
    expect(requests).toBe(0);
    expect(recording.runs().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual([
      'failed',
      'failed',
      'failed',
    ]);
  });
});

describe('answers', () => {
  const key = ['s', 'k-', 'aB3dE5gH7jK9mN1pQ2rS'.repeat(3)].join('');

  test.each([49_990, 49_960, 50_000, 50_010])(
    'a secret at byte %i, about the cap, is never kept in part',
    async (at) => {
      const text = `${'x '.repeat(at / 2)}${key} ${'y '.repeat(10_000)}`;
      handlers['/t'] = (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
      const recording = createRecording();
      expect(await (await recordingFetch(recording.recorder)(`${origin}/t`)).text()).toBe(text);
      const { responseBody } = recording.run().attempts[0]!;
      expect(responseBody).toMatchObject({ truncated: true, bytes: text.length });
      const kept = await bodyOf(recording, responseBody!);
      expect(kept.length).toBeLessThanOrEqual(50_000);
      expect(kept).not.toContain(key.slice(0, 5));
    },
  );

  test('past the cap and its overlap nothing is held', async () => {
    const text = 'z'.repeat(2_000_000);
    handlers['/t'] = (_request, response) => void response.end(text);
    const recording = createRecording();
    await (await recordingFetch(recording.recorder)(`${origin}/t`)).text();
    const { responseBody } = recording.run().attempts[0]!;
    expect(responseBody).toMatchObject({ truncated: true, bytes: 2_000_000 });
    expect(contentBytes(recording)).toBeLessThan(51_000);
  });

  test('full keeps them whole', async () => {
    const text = 'z'.repeat(200_000);
    handlers['/t'] = (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
    const { fetch: recorded, recording, last } = createUncut({ bodies: 'full' });
    await (await recorded(`${origin}/t`)).text();
    expect(last()).toMatchObject({ truncated: false, bytes: 200_000 });
    expect(await bodyOf(recording, last())).toBe(text);
    const capped = createUncut({});
    await (await capped.fetch(`${origin}/t`)).text();
    expect(capped.last()).toMatchObject({ truncated: true, bytes: 200_000 });
  });
});

describe('what is read without being asked for', () => {
  test('is 64 KiB at most of a body that nobody reads', async () => {
    handlers['/big'] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.write(Buffer.alloc(20_000_000));
    };
    const recording = createRecording();
    const response = await recordingFetch(recording.recorder)(`${origin}/big`);
    await sleep(60);
    await response.body!.cancel();
    const { bytes } = recording.run().attempts[0]!.responseBody!;
    expect(bytes).toBeGreaterThanOrEqual(64 * 1024);
    // The chunk that crosses the line is read whole.
    expect(bytes).toBeLessThanOrEqual(2 * 64 * 1024);
  });

  test('is a refusal that its receiver throws away unread: its words are kept, its sender is let go', async () => {
    const words = `{"error":{"message":"slow down"},"more":"${'m'.repeat(30_000)}"}`;
    handlers['/no'] = (_request, response) => {
      response.writeHead(429, { 'content-type': 'application/json' });
      setTimeout(() => response.end(words), 30);
    };
    const recording = createRecording();
    const response = await recordingFetch(recording.recorder)(`${origin}/no`);
    await response.body!.cancel();
    expect(recording.run().attempts[0]!.status).toBeNull();
    await sleep(100);
    expect(recording.run().attempts[0]).toMatchObject({
      status: 'failed',
      error: { message: 'slow down' },
      responseBody: { bytes: words.length },
    });
  });

  test('is 64 KiB at most of a refusal without end', async () => {
    let isGone = false;
    handlers['/no'] = (request, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' });
      const timer = setInterval(() => response.write('n'.repeat(20_000)), 2);
      request.on('close', () => undefined);
      response.on('close', () => {
        isGone = true;
        clearInterval(timer);
      });
    };
    const recording = createRecording();
    const response = await recordingFetch(recording.recorder)(`${origin}/no`);
    await response.body!.cancel();
    for (let turn = 0; turn < 100 && !isGone; turn += 1) await sleep(10);
    expect(isGone).toBe(true);
    const { status, responseBody } = recording.run().attempts[0]!;
    expect(status).toBe('failed');
    expect(responseBody!.bytes).toBeLessThanOrEqual(2 * 64 * 1024);
  });

  test('a close that fails turns a told end into a failure', async () => {
    const bytes = new TextEncoder().encode('data: [DONE]\n\n');
    const boom = new Error('the close failed');
    const inner = (async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(bytes),
          cancel: () => Promise.reject(boom),
        }),
        { headers: { 'content-type': 'text/event-stream' } },
      )) as typeof fetch;
    const recording = createRecording();
    const response = await recordingFetch(recording.recorder, inner)('https://api.openai.com/v1/x');
    const reader = response.body!.getReader();
    await reader.read();
    await expect(reader.cancel()).rejects.toBe(boom);
    expect(recording.run().attempts[0]).toMatchObject({ status: 'failed', error: { message: 'the close failed' } });
  });
});
