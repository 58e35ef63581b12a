import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openStream } from './stream.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const closers: (() => void)[] = [];

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe('stream', () => {
  it('connects again after a break, from the last id seen', async () => {
    const askedFrom: (string | undefined)[] = [];
    const path = await serve((request, response) => {
      askedFrom.push(request.headers['last-event-id'] as string | undefined);
      const next = Number(request.headers['last-event-id'] ?? 0) + 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: ${next}\ndata: ${next}\n\n`);
      setTimeout(() => response.destroy(), 20);
    });
    const seen: string[] = [];
    const states: string[] = [];
    const stream = openStream({
      path,
      lastEventId: '4',
      onEvent: (event) => seen.push(event.data),
      onState: (state) => states.push(state.kind),
    });
    closers.push(stream.close);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(2), { timeout: 5000 });
    expect(seen.slice(0, 2)).toEqual(['5', '6']);
    expect(askedFrom.slice(0, 2)).toEqual(['4', '5']);
    expect(states.slice(0, 3)).toEqual(['connecting', 'open', 'lost']);
  });

  it('gives up where there is no stream', async () => {
    let asked = 0;
    const path = await serve((_, response) => {
      asked += 1;
      response.writeHead(404).end();
    });
    const states: string[] = [];
    const stream = openStream({
      path,
      lastEventId: null,
      onEvent: () => undefined,
      onState: (state) => states.push(state.kind),
    });
    closers.push(stream.close);
    await vi.waitFor(() => expect(states).toEqual(['connecting', 'off']));
    expect(asked).toBe(1);
  });
});
