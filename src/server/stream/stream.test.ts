import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { recordScenario } from '../../../test/server/scenario.ts';
import type { ReceivedMessage, Stage } from '../../../test/server/stage.ts';
import { createStage, readMessages, readUntil } from '../../../test/server/stage.ts';
import type { Store } from '../../core/store.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';

const eventStream = { accept: 'text/event-stream' };

const seqsOf = (messages: readonly ReceivedMessage[]): number[] =>
  messages.filter(({ event }) => event === 'message').map(({ id }) => Number(id));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

async function metricsOf(stage: Stage): Promise<string> {
  return (await stage.get('/metrics')).text();
}

describe.each([
  ['news of the indexer', true],
  ['polling alone', false],
])('events of a run, woken by %s', (_name, withNews) => {
  test('come as they are recorded, then the run, then the end', async () => {
    const stage = await createStage({ withNews, pollMs: withNews ? 60_000 : 10 });
    const run = stage.recorder.startRun({ agentId: 'a' });
    await stage.publish();
    const response = await stage.get(`/api/v1/runs/${run.id}/events`, eventStream);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reading = readUntil(response, (messages) => messages.at(-1)!.event === 'end');
    for (let at = 0; at < 5; at += 1) {
      await sleep(5);
      run.log('tick', { at });
      await stage.publish();
    }
    run.close({ endReason: 'ok' });
    await stage.publish();
    const messages = await reading;
    const { lastSeq } = await stage.store.getRun('default', run.id);
    expect(seqsOf(messages)).toEqual(upTo(lastSeq));
    const ends = messages.filter(({ event }) => event === 'end');
    expect(ends.map(({ data }) => JSON.parse(data))).toEqual([{ runId: run.id, lastSeq }]);
    const runs = messages.filter(({ event }) => event === 'run').map(({ data }) => JSON.parse(data).run.status);
    expect(runs.at(0)).toBe('running');
    expect(runs.at(-1)).toBe('completed');
    expect(stage.errors).toEqual([]);
  });

  test('resume without a gap while others write, however often the client breaks off', async () => {
    const stage = await createStage({ withNews, pollMs: withNews ? 60_000 : 5 });
    const run = stage.recorder.startRun({ agentId: 'a' });
    await stage.publish();
    let isWriting = true;
    const writing = (async () => {
      for (let at = 0; at < 400; at += 1) {
        run.log('tick', { at });
        if (at % 3 === 0) await stage.publish();
        if (at % 20 === 0) await sleep(1);
      }
      run.close({ endReason: 'ok' });
      await stage.publish();
      isWriting = false;
    })();
    const received: number[] = [];
    let lastId = '';
    for (let connection = 0; ; connection += 1) {
      const headers = lastId === '' ? eventStream : { ...eventStream, 'last-event-id': lastId };
      const response = await stage.get(`/api/v1/runs/${run.id}/events`, headers);
      const wanted = 1 + ((connection * 7) % 30);
      const messages = await readUntil(response, (got) => got.length >= wanted || got.at(-1)!.event === 'end');
      received.push(...seqsOf(messages));
      lastId = messages.findLast(({ id }) => id !== null)?.id ?? lastId;
      if (!isWriting && messages.at(-1)!.event === 'end') break;
    }
    await writing;
    const { lastSeq } = await stage.store.getRun('default', run.id);
    expect(received).toEqual(upTo(lastSeq));
    expect(await metricsOf(stage)).toContain('tachograph_sse_clients{stream="events"} 0\n');
  });

  test('reach a hundred clients at once', async () => {
    const stage = await createStage({ withNews, pollMs: withNews ? 60_000 : 10 });
    const run = stage.recorder.startRun({ agentId: 'a' });
    await stage.publish();
    const clients = await Promise.all(upTo(100).map(() => stage.get(`/api/v1/runs/${run.id}/events`, eventStream)));
    expect(await metricsOf(stage)).toContain('tachograph_sse_clients{stream="events"} 100\n');
    const reading = clients.map((client) => readUntil(client, (messages) => messages.at(-1)!.event === 'end'));
    for (let at = 0; at < 50; at += 1) {
      run.log('tick', { at });
      await stage.publish();
    }
    run.close({ endReason: 'ok' });
    await stage.publish();
    const { lastSeq } = await stage.store.getRun('default', run.id);
    for (const messages of await Promise.all(reading)) expect(seqsOf(messages)).toEqual(upTo(lastSeq));
  });
});

describe('events of a run', () => {
  test('late ones follow the end, with another end', async () => {
    const stage = await createStage({ withNews: true });
    const run = stage.recorder.startRun({ agentId: 'a' });
    run.close({ endReason: 'ok' });
    await stage.publish();
    const response = await stage.get(`/api/v1/runs/${run.id}/events`, eventStream);
    const reading = readUntil(response, (messages) => messages.filter(({ event }) => event === 'end').length === 2);
    await sleep(20);
    run.log('late', {});
    await stage.publish();
    const messages = await reading;
    expect(seqsOf(messages)).toEqual(upTo(3));
    expect(messages.map(({ event }) => event)).toEqual(['message', 'message', 'run', 'end', 'message', 'run', 'end']);
  });

  test('begin where asked, and never past what there is', async () => {
    const stage = await createStage({ withNews: true });
    const { runId } = await recordScenario(stage);
    const { lastSeq } = await stage.store.getRun('default', runId);
    const isEnd = (messages: readonly ReceivedMessage[]): boolean => messages.at(-1)!.event === 'end';
    const asked = await readUntil(
      await stage.get(`/api/v1/runs/${runId}/events?from=${lastSeq - 1}`, eventStream),
      isEnd,
    );
    expect(seqsOf(asked)).toEqual([lastSeq - 1, lastSeq]);
    const beyond = { ...eventStream, 'last-event-id': '999999' };
    expect(seqsOf(await readUntil(await stage.get(`/api/v1/runs/${runId}/events`, beyond), isEnd))).toEqual([]);
    const nonsense = { ...eventStream, 'last-event-id': 'x; DROP' };
    expect(seqsOf(await readUntil(await stage.get(`/api/v1/runs/${runId}/events`, nonsense), isEnd))).toEqual(
      upTo(lastSeq),
    );
  });

  test('are said to be gone when the run is purged', async () => {
    const stage = await createStage();
    const { runId } = await recordScenario(stage);
    const response = await stage.get(`/api/v1/runs/${runId}/events`, eventStream);
    const reading = readUntil(response, (messages) => messages.at(-1)!.event === 'gone');
    await sleep(30);
    await stage.store.purge({ projectId: 'default', beforeMs: Date.now() + 1000, limit: 10 });
    expect((await reading).at(-1)!.event).toBe('gone');
  });
});

describe('a client', () => {
  test('that does not read is dropped, and little is read for it', async () => {
    const store = createMemoryStore();
    let readEvents = 0;
    const counting: Store = {
      ...store,
      async listEvents(...args) {
        const events = await store.listEvents(...args);
        readEvents += events.length;
        return events;
      },
    };
    const stage = await createStage({ store: counting, streamLimits: { bufferBytes: 4096, stallMs: 50 } });
    const run = stage.recorder.startRun({ agentId: 'a' });
    for (let at = 0; at < 2000; at += 1) run.log('tick', { text: 'x'.repeat(500) });
    await stage.publish();
    let dropped = 0;
    const request = new Request(`http://localhost/api/v1/runs/${run.id}/events`, { headers: eventStream });
    const response = await stage.handler(request, { port: null, remote: null, drop: () => void (dropped += 1) });
    await sleep(200);
    expect(dropped).toBe(1);
    expect(readEvents).toBeLessThanOrEqual(200);
    expect(await metricsOf(stage)).toContain('tachograph_sse_ended_total{stream="events",reason="slow"} 1\n');
    let bytes = 0;
    for await (const chunk of response.body!) bytes += chunk.byteLength;
    expect(bytes).toBeLessThan(8192);
  });

  test('hears a heartbeat in silence', async () => {
    const stage = await createStage({ streamLimits: { heartbeatMs: 10 } });
    const { runId } = await recordScenario(stage);
    const response = await stage.get(`/api/v1/runs/${runId}/events?from=1000`, eventStream);
    const messages = await readUntil(response, (got) => got.filter(({ event }) => event === 'comment').length === 2);
    expect(messages.filter(({ event }) => event === 'comment').at(-1)!.data).toBe(': beat');
  });

  test('sees the stream end when the server closes', async () => {
    const stage = await createStage();
    const { runId } = await recordScenario(stage);
    const streams = await Promise.all([
      stage.get(`/api/v1/runs/${runId}/events`, eventStream),
      stage.get('/api/v1/runs/stream'),
    ]);
    const endings = streams.map(async (stream) => {
      for await (const _ of readMessages(stream)) continue;
    });
    await sleep(20);
    stage.handler.close();
    await Promise.all(endings);
    expect((await stage.get('/healthz')).status).toBe(503);
  });
});

describe.each([
  ['news of the indexer', true],
  ['polling alone', false],
])('changed runs, woken by %s', (_name, withNews) => {
  test('are streamed as they are now', async () => {
    const stage = await createStage({ withNews, pollMs: withNews ? 60_000 : 5 });
    await recordScenario(stage);
    const response = await stage.get('/api/v1/runs/stream');
    const reading = readUntil(response, (messages) => JSON.parse(messages.at(-1)!.data).run?.status === 'completed');
    const run = stage.recorder.startRun({ agentId: 'live' });
    await stage.publish();
    await sleep(30);
    run.close({ endReason: 'ok' });
    await stage.publish();
    const messages = await reading;
    expect(messages.map(({ event }) => event)).toEqual(['run', 'run']);
    expect(messages.map(({ data }) => JSON.parse(data).run).map(({ id, status }) => [id, status])).toEqual([
      [run.id, 'running'],
      [run.id, 'completed'],
    ]);
  });

  test('resume where the client was, each run as it is by then', async () => {
    const stage = await createStage({ withNews, pollMs: withNews ? 60_000 : 5 });
    const first = await stage.get('/api/v1/runs/stream');
    const one = stage.recorder.startRun({ agentId: 'one' });
    const reading = readUntil(first, () => true);
    await stage.publish();
    const [message] = await reading;
    const missed = stage.recorder.startRun({ agentId: 'missed' });
    one.close({ endReason: 'ok' });
    missed.close({ endReason: 'ok' });
    await stage.publish();
    const again = await stage.get('/api/v1/runs/stream', { 'last-event-id': message!.id! });
    const rest = await readUntil(again, (messages) => messages.length === 2);
    expect(
      rest.map(({ event, data }) => [event, JSON.parse(data).run?.agentId, JSON.parse(data).run?.status]).sort(),
    ).toEqual([
      ['run', 'missed', 'completed'],
      ['run', 'one', 'completed'],
    ]);
  });

  test('a position of another server means listing again', async () => {
    const stage = await createStage({ withNews });
    for (const id of ['abcdef-3', 'nonsense', '7']) {
      const messages = await readUntil(await stage.get('/api/v1/runs/stream', { 'last-event-id': id }), () => true);
      expect(messages.map(({ event }) => event)).toEqual(['reset']);
    }
  });
});
