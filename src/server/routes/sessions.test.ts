import { expect, test } from 'vitest';
import type { Subject } from '../../core/life/subject.ts';
import { createStage } from '../../../test/server/stage.ts';

const done = { runs: 1, events: 2, contents: 3, shared: 0, openRunIds: [] };

test('sessions and callers are erased by their ids, whatever these hold', async () => {
  const asked: Subject[] = [];
  const stage = await createStage({
    async eraseSubject(_projectId, subject) {
      asked.push(subject);
      return done;
    },
  });
  const send = async (body: unknown): Promise<[number, unknown]> => {
    const response = await stage.handler(
      new Request('http://localhost/api/v1/erasures', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    );
    return [response.status, await response.json()];
  };
  for (const body of [
    { sessionId: 'chat/4' },
    { callerId: 'user 17' },
    { messageId: '12', sessionId: 'chat', startedBefore: '2026-11-21' },
    { messageId: '12' },
  ])
    expect(await send(body)).toEqual([200, done]);
  for (const body of [{}, [], { callerId: '' }, { callerId: 'a', sessionId: 'b' }, { messageId: 1 }, { runId: 'x' }])
    expect([body, (await send(body))[0]]).toEqual([body, 400]);
  expect(asked).toEqual([
    { kind: 'session', sessionId: 'chat/4' },
    { kind: 'caller', callerId: 'user 17' },
    { kind: 'message', sessionId: 'chat', messageId: '12', startedBeforeMs: Date.UTC(2026, 10, 21) },
    { kind: 'message', sessionId: null, messageId: '12', startedBeforeMs: null },
  ]);
});

test('a server that only reads says so', async () => {
  const stage = await createStage();
  const response = await stage.handler(
    new Request('http://localhost/api/v1/erasures', {
      method: 'POST',
      body: '{"callerId":"x"}',
      headers: { 'content-type': 'application/json' },
    }),
  );
  expect([response.status, await response.json()]).toEqual([501, expect.objectContaining({ code: 'not-offered' })]);
});
