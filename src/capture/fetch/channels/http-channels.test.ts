import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatDelta, chatPath, isSettled, until } from '../../../../test/playback/loopback.ts';
import type { Recording } from '../../../../test/playback/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import { openHttpStage } from '../../../../test/playback/stage.ts';
import { createFetchCapture } from '../index.ts';

const { origin, handlers, undo } = await openHttpStage();

function capture(): Recording {
  const recording = createRecording();
  undo.push(
    createFetchCapture({
      recorder: recording.recorder,
      hostList: '127.0.0.1:*',
      onError: (error) => void (recording.complaints as unknown[]).push(error),
    }).install(),
  );
  return recording;
}

const options: RequestOptions = {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: 'Bearer sk-hidden-key-000000' },
};

/** Sends what `write` writes and answers the whole body. */
function send(write: (sent: ClientRequest) => void, more: RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(origin + chatPath, { ...options, ...more }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve(text)).on('error', reject);
    });
    sent.on('error', reject);
    write(sent);
  });
}

describe('requests of node:http', () => {
  test('one with its answer, word for word, its start written before it leaves', async () => {
    const recording = capture();
    let seenAtServer: unknown = null;
    handlers[chatPath] = (_request, response) => {
      seenAtServer = recording.run().attempts[0]!.status;
      response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_7' }).end(chatAnswer('hi'));
    };
    const sent = '{"model":"gpt-9",  "messages":[{"role":"user","content":"Grüß"}],"temperature":0.50}';
    expect(await send((client) => void client.end(sent))).toBe(chatAnswer('hi'));
    await until(isSettled(recording));
    expect(seenAtServer).toBeNull();
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ capture: 'http' });
    expect(steps[0]).toMatchObject({ status: 'completed', observedAfter: false, usage: { input: { cacheRead: 4 } } });
    expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: 'Grüß' }]);
    expect(attempts[0]).toMatchObject({
      status: 'completed',
      method: 'POST',
      url: origin + chatPath,
      providerRequestId: 'req_7',
    });
    expect(recording.contents().map(({ bytes }) => Buffer.from(bytes).toString())).toContain(sent);
    expect(recording.everything()).not.toContain('sk-hidden');
    expect(recording.complaints).toEqual([]);
  });

  const long = chatBody('x'.repeat(1_000_000));
  test.each<[string, string, (client: ClientRequest, body: string) => void]>([
    ['bytes', chatBody('a'), (client, body) => void client.end(Buffer.from(body))],
    ['a megabyte', long, (client, body) => void client.end(body)],
    [
      'pieces written in one turn',
      chatBody('a piece'),
      (client, body) => {
        client.write(body.slice(0, 9));
        client.write(Buffer.from(body.slice(9, 30)));
        client.end(body.slice(30));
      },
    ],
    [
      'pieces of a known length',
      chatBody('a piece'),
      (client, body) => {
        client.setHeader('content-length', body.length);
        client.write(body.slice(0, 9));
        client.end(body.slice(9));
      },
    ],
  ])('a body of %s is captured, and sent as it is', async (_name, body, write) => {
    const recording = capture();
    let arrived = '';
    handlers[chatPath] = (_request, response, text) => {
      arrived = text;
      response.end(chatAnswer('ok'));
    };
    await send((client) => write(client, body));
    await until(isSettled(recording));
    expect(arrived).toBe(body);
    const { requestBody } = recording.run().attempts[0]!;
    expect(requestBody).toMatchObject({ withheld: null, bytes: body.length });
    expect(recording.run().steps[0]!.requestedModel).toBe('gpt-9');
  });

  test('a body that is still being written when it begins to leave is not captured', async () => {
    const recording = capture();
    let arrived = '';
    handlers[chatPath] = (_request, response, text) => {
      arrived = text;
      response.end(chatAnswer('ok'));
    };
    await send((client) => {
      client.write('{"model":');
      setTimeout(() => client.end('"m"}'), 30);
    });
    await until(isSettled(recording));
    expect(arrived).toBe('{"model":"m"}');
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', requestBody: { withheld: 'stream' } });
  });

  test('parts of a form are sent and not recorded', async () => {
    const recording = capture();
    let arrived = '';
    handlers[chatPath] = (_request, response, text) => {
      arrived = text;
      response.end('{}');
    };
    const form = '--b\r\ncontent-disposition: form-data; name="f"\r\n\r\nprivate words\r\n--b--\r\n';
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    await send((client) => void client.end(form), { headers });
    await until(isSettled(recording));
    expect(arrived).toBe(form);
    expect(recording.run().attempts[0]!.requestBody).toMatchObject({ withheld: 'form-data', bytes: form.length });
    expect(recording.everything()).not.toContain('private words');
  });

  test('headers given as a list, and a compressed answer', async () => {
    const recording = capture();
    handlers[chatPath] = (_request, response) =>
      void response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
        .end(gzipSync(chatAnswer('packed')));
    const body = chatBody('a');
    const list = [
      'Host',
      new URL(origin).host,
      'Content-Type',
      'application/json',
      'X-Mine',
      '1',
      'Content-Length',
      String(body.length),
    ];
    await new Promise<void>((resolve) => {
      request(origin + chatPath, { method: 'POST', headers: list as never }, (response) =>
        response.resume().on('end', resolve),
      ).end(body);
    });
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(attempts[0]!.requestHeaders).toMatchObject({ 'x-mine': '1', 'content-type': 'application/json' });
    expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: 'a' }]);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'packed' }]);
  });

  test('40 at once over kept connections, each in its own run', async () => {
    const recording = capture();
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    handlers[chatPath] = (_request, response, body) => {
      const word = (JSON.parse(body) as { messages: { content: string }[] }).messages[0]!.content;
      setTimeout(() => response.end(chatAnswer(`echo ${word}`)), Number(word) % 7);
    };
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        recording.recorder.run({ agentId: `child-${index}` }, () =>
          send((client) => void client.end(chatBody(String(index))), { agent }),
        ),
      ),
    );
    agent.destroy();
    await until(isSettled(recording));
    expect(recording.runs()).toHaveLength(40);
    for (const { run, steps } of recording.runs()) {
      const index = run.agentId.slice('child-'.length);
      expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: index }]);
      expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: `echo ${index}` }]);
    }
  });

  test('a request without a body that its sender ends late has none', async () => {
    const recording = capture();
    handlers['/late'] = (_request, response) => void response.end('{}');
    await recording.recorder.run({ agentId: 'sdk' }, async (run) => {
      const step = run.step({ kind: 'model' });
      step.attempt();
      await step.within(() =>
        send((client) => void setTimeout(() => client.end(), 20), { path: '/late', method: 'GET', headers: {} }),
      );
      step.finish({ status: 'completed' });
    });
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', requestBody: null });
  });

  test('inside the attempt of another capture it is that attempt', async () => {
    const recording = capture();
    handlers['/any'] = (_request, response) => void response.end('{}');
    await recording.recorder.run({ agentId: 'sdk' }, async (run) => {
      const step = run.step({ kind: 'model' });
      step.attempt();
      await step.within(() => send((client) => void client.end('{}'), { path: '/any' }));
      step.finish({ status: 'completed' });
    });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(attempts[0]).toMatchObject({ path: '/any', status: 'completed', responseStatus: 200 });
  });

  test('tunnels, upgrades and hosts that are not listed are passed over', async () => {
    const recording = capture();
    for (const more of [{ method: 'CONNECT' }, { headers: { connection: 'upgrade', upgrade: 'websocket' } }]) {
      const sent = request(`${origin}/v1/unknown`, { ...options, ...more, agent: false });
      sent.on('error', () => undefined).end();
      setTimeout(() => sent.destroy(), 20);
      await new Promise((resolve) => sent.on('close', resolve));
    }
    undo.splice(0).forEach((one) => one());
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '' }).install());
    handlers[chatPath] = (_request, response) => void response.end('{}');
    await send((client) => void client.end(chatBody('a')));
    expect(recording.runs()).toEqual([]);
    expect(recording.complaints).toEqual([]);
  });

  test('over TLS', async () => {
    const recording = capture();
    const psk = Buffer.alloc(32, 7);
    const server = createSecureServer(
      { ciphers: 'PSK+HIGH', maxVersion: 'TLSv1.2', pskCallback: () => psk },
      (_request, response) => void response.end(chatAnswer('hidden')),
    );
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    afterAll(() => void server.close());
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve, reject) => {
      const secured = {
        ...options,
        port,
        host: '127.0.0.1',
        path: chatPath,
        agent: false as const,
        ciphers: 'PSK+HIGH',
        maxVersion: 'TLSv1.2' as const,
        checkServerIdentity: () => undefined,
        pskCallback: () => ({ psk, identity: 'me' }),
      };
      secureRequest(secured, (response) => void response.resume().on('end', resolve))
        .on('error', reject)
        .end(chatBody('a'));
    });
    await until(isSettled(recording));
    expect(recording.run().attempts[0]!.url).toBe(`https://127.0.0.1:${port}${chatPath}`);
    expect(recording.content(recording.run().steps[0]!.responseId)).toEqual([{ type: 'text', text: 'hidden' }]);
  });
});

describe('receivers of an answer lose nothing, however they read', () => {
  const answer = chatAnswer('w'.repeat(200_000));

  const byReadable = (response: IncomingMessage): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      response.on('readable', () => {
        for (let piece = response.read() as Buffer | null; piece !== null; piece = response.read() as Buffer | null)
          text += piece.toString();
      });
      response.on('end', () => resolve(text));
    });

  const readers: [string, boolean, (response: IncomingMessage) => Promise<string>][] = [
    [
      'data',
      true,
      (response) =>
        new Promise((resolve) => {
          let text = '';
          response.on('data', (piece: Buffer) => (text += piece.toString()));
          response.on('end', () => resolve(text));
        }),
    ],
    ['readable', true, byReadable],
    [
      'iterating',
      true,
      async (response) => {
        let text = '';
        for await (const piece of response) text += (piece as Buffer).toString();
        return text;
      },
    ],
    [
      'piping',
      true,
      async (response) => {
        let text = '';
        await pipeline(
          response,
          new Writable({
            highWaterMark: 10,
            write(piece: Buffer, _encoding, done) {
              text += piece.toString();
              setImmediate(done);
            },
          }),
        );
        return text;
      },
    ],
    [
      'one readable at a time',
      false,
      async (response) => {
        let text = '';
        let isOver = false;
        response.on('end', () => (isOver = true));
        while (!isOver) {
          await new Promise<void>((resolve) => {
            response.once('readable', resolve);
            response.once('end', resolve);
          });
          for (let piece = response.read() as Buffer | null; piece !== null; piece = response.read() as Buffer | null)
            text += piece.toString();
        }
        return text;
      },
    ],
    [
      'late',
      true,
      async (response) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return byReadable(response);
      },
    ],
    [
      'pausing',
      true,
      (response) =>
        new Promise((resolve) => {
          let text = '';
          response.on('data', (piece: Buffer) => {
            text += piece.toString();
            response.pause();
            setTimeout(() => response.resume(), 1);
          });
          response.on('end', () => resolve(text));
        }),
    ],
  ];

  test.each(readers)('%s', async (_name, isSeen, read) => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(answer.slice(0, 70_000));
      setTimeout(() => response.end(answer.slice(70_000)), 10);
    };
    const recording = capture();
    const text = await new Promise<string>((resolve, reject) => {
      const sent = request(origin + chatPath, options, (response) => void read(response).then(resolve, reject));
      sent.on('error', reject).end(chatBody('a'));
    });
    expect(text).toBe(answer);
    await until(isSettled(recording));
    const { attempts } = recording.run();
    expect(attempts[0]).toMatchObject({
      status: 'completed',
      responseBody: isSeen ? { bytes: answer.length, withheld: null } : { withheld: 'not-observable' },
    });
    expect(recording.complaints).toEqual([]);
  });

  test('a stream of which only the beginning could be heard is not taken for its beginning', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'one' }));
      setTimeout(() => response.end(chatDelta({ content: ' two' }) + chatDelta({}, 'stop')), 10);
    };
    const recording = capture();
    const text = await new Promise<string>((resolve) => {
      request(origin + chatPath, options, (response) => {
        let pieces = '';
        const first = (): void => {
          const piece = response.read() as Buffer | null;
          if (piece === null) return;
          pieces += piece.toString();
          response.off('readable', first);
          response.on('data', (next: Buffer) => (pieces += next.toString()));
        };
        response.on('readable', first).on('end', () => resolve(pieces));
      }).end(chatBody('a'));
    });
    expect(text).toBe(chatDelta({ content: 'one' }) + chatDelta({ content: ' two' }) + chatDelta({}, 'stop'));
    await until(isSettled(recording));
    expect(recording.run().steps[0]).toMatchObject({ status: 'completed', responseId: null, usage: null });
    expect(recording.run().attempts[0]).toMatchObject({ responseBody: { withheld: 'not-observable' } });
  });

  test('one that is left half-way by an iterator keeps what came', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'half' }));
    };
    const recording = capture();
    await new Promise<void>((resolve) => {
      request(origin + chatPath, options, (response) => {
        void (async () => {
          for await (const piece of response) if (String(piece).includes('half')) break;
          resolve();
        })();
      }).end(chatBody('a'));
    });
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'half' }]);
    expect(attempts[0]).toMatchObject({ status: 'failed', responseBody: { withheld: null } });
  });

  test('and one that nobody takes is read by nobody, and settled when it is over', async () => {
    handlers[chatPath] = (_request, response) => void response.end(chatAnswer('lost'));
    const recording = capture();
    request(origin + chatPath, options).end(chatBody('a'));
    await until(isSettled(recording));
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200 });
  });
});
