import { connect } from 'node:net';
import { afterEach, describe, expect, it, test } from 'vitest';
import type { StageOptions } from '../../test/server/stage.ts';
import { createStage } from '../../test/server/stage.ts';
import type { Mount, Server, ServerOptions } from './index.ts';
import { createServer } from './index.ts';

// A real server on loopback, and bytes that no client sends by itself.

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ timeoutMs: 100 })));
});

async function serve(options: Partial<ServerOptions> = {}, stageOptions: StageOptions = {}): Promise<Server> {
  const { handler } = await createStage(stageOptions);
  const server = await createServer({ handler, port: 0, ...options });
  servers.push(server);
  return server;
}

/** What a server answers to bytes until it closes the connection; more may follow later, and never does. */
async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const ask = ({ port }: Server, line: string, headers = ''): Promise<string> =>
  sendRaw(port, `${line} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n${headers}\r\n`);

const key = `tk_shop.${'0'.repeat(12)}_${'a'.repeat(48)}`;

/** A mount that tells what reached it. */
function listening(change: Partial<Mount> = {}): { mount: Mount; seen: string[] } {
  const seen: string[] = [];
  const mount: Mount = {
    path: '/proxy/',
    handle(incoming, outgoing) {
      seen.push(JSON.stringify([incoming.url, incoming.headers, incoming.rawHeaders]));
      outgoing.end('passed');
    },
    ...change,
  };
  return { mount, seen };
}

describe('what stands beside the routes', () => {
  it('never sees the key by which it was reached', async () => {
    const { mount, seen } = listening();
    const server = await serve({ mount });
    for (const name of ['x-tachograph-key', 'X-Tachograph-Key', 'X-TACHOGRAPH-KEY'])
      await ask(server, 'GET /proxy/openai/v1/models', `${name}: ${key}\r\nX-Kept: 1\r\n${name}: ${key}\r\n`);
    expect(seen).toHaveLength(3);
    for (const each of seen) {
      expect(each).toContain('X-Kept');
      expect(each.toLowerCase()).not.toContain('tachograph-key');
      expect(each).not.toContain('aaaa');
    }
  });

  it('is not reached, and the server lives on, when nobody can say who may', async () => {
    const errors: unknown[] = [];
    const { mount, seen } = listening({ refuse: () => Promise.reject(new Error('the disk is gone')) });
    const server = await serve({ mount, onError: (error) => errors.push(error) });
    const answer = await ask(server, 'POST /proxy/openai/v1/chat', 'Content-Length: 2\r\n\r\nhi');
    expect(answer).toMatch(/^HTTP\/1.1 500 [^]*problem\+json/);
    expect(answer).not.toContain('disk');
    expect([seen, String(errors[0])]).toEqual([[], 'Error: the disk is gone']);
    expect(await ask(server, 'GET /healthz')).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('no way of writing a path or a method leads past the keys', () => {
  const paths = [
    '/api/v1/runs/',
    '//api/v1/runs',
    '/api//v1/runs',
    '/api%2fv1/runs',
    '/api/v1%2fruns',
    '/api/v1/./runs',
    '/x/../api/v1/runs',
    '/x/%2e%2e/api/v1/runs',
    '/API/v1/runs',
    '/api/v1/runs;x',
    '/api/v1/runs%00',
    '/api/v1/runs%20',
    '/api/v1/%72uns',
    '/healthz/../api/v1/runs',
    '/proxy/../api/v1/runs',
    '/proxy/%2e%2e/api/v1/runs',
    '/api/openapi.json/../v1/runs',
    '/api/v1/access/../runs',
    'http://localhost/api/v1/runs',
    '/api/v1/keys',
    '/metrics?x',
  ];
  test.each(paths)('%s', async (path) => {
    const { mount } = listening({ refuse: async () => new Response('no', { status: 401 }) });
    const server = await serve({ mount }, { access: { pepper: Buffer.alloc(32), isKeyRequired: true } });
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
      const answer = await ask(server, `${method} ${path}`, 'Content-Length: 0\r\n');
      // What is found there without a key is the viewer's page, which holds nothing.
      if (/^HTTP\/1.1 200/.test(answer)) expect(answer).toMatch(/text\/html/);
      else expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
      expect(answer).not.toContain('"items"');
    }
  });
});

describe('who is slow', () => {
  it.each([
    ['says nothing at all', ''],
    ['never ends its head', 'POST /api/v1/ingest HTTP/1.1\r\nHost: x\r\nX-A: '],
    [
      'never sends the body it promised',
      'POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{',
    ],
    [
      'never ends a body in pieces',
      'POST /api/v1/ingest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    ],
  ])('and %s is cut off', async (_what, text) => {
    const server = await serve({ patience: { headersMs: 200, requestMs: 300 } }, { allowedHosts: ['*'] });
    expect(await sendRaw(server.port, text)).toMatch(/^$|^HTTP\/1.1 (?:4|5)\d\d/);
  });
});

describe('the address that is told', () => {
  it.each([
    ['0.0.0.0', 'http://127.0.0.1:'],
    ['127.0.0.2', 'http://127.0.0.2:'],
    ['localhost', 'http://localhost:'],
  ])('of %s begins with %s', async (host, beginning) => {
    const server = await serve({ host, isKeyRequired: true });
    expect(server.url.slice(0, beginning.length)).toBe(beginning);
  });
});
