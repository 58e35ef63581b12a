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
  const send = async (method: string, path: string, body?: object): Promise<[number, unknown]> => {
    const response = await stage.handler(
      new Request(`http://localhost/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    );
    return [response.status, await response.json()];
  };
  expect(await send('DELETE', '/sessions/chat%2F4')).toEqual([200, done]);
  expect(await send('POST', '/sessions/chat/erase')).toEqual([200, done]);
  expect(await send('POST', '/callers/user%2017/erase')).toEqual([200, done]);
  expect(await send('POST', '/sessions/chat/erase-after', { messageId: '12', startedBefore: '2026-11-21' })).toEqual([
    200,
    done,
  ]);
  expect((await send('POST', '/sessions/chat/erase-after', {}))[0]).toBe(400);
  expect(asked).toEqual([
    { kind: 'session', sessionId: 'chat/4' },
    { kind: 'session', sessionId: 'chat' },
    { kind: 'caller', callerId: 'user 17' },
    { kind: 'message', sessionId: 'chat', messageId: '12', startedBeforeMs: Date.UTC(2026, 10, 21) },
  ]);
});

test('a server that only reads says so', async () => {
  const stage = await createStage();
  const response = await stage.handler(new Request('http://localhost/api/v1/sessions/s', { method: 'DELETE' }));
  expect([response.status, await response.json()]).toEqual([501, expect.objectContaining({ code: 'not-offered' })]);
});
