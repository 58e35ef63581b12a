import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTachographError, TachographError } from '../../core/error.ts';
import type { HttpAnswer, HttpReplay } from '../../replay/index.ts';
import { targetHeader } from './redirect.ts';

/** Answers a program's requests to model hosts from a recording, on loopback. */
export interface ReplayServer {
  readonly url: string;
  /** Requests that went on to the real host. */
  readonly live: number;
  /** What went wrong first; `null` while nothing has. */
  readonly failure: TachographError | null;
  close(): Promise<void>;
}

/** How a replay server works. */
export interface ReplayServerOptions {
  readonly replay: HttpReplay;
  /** Told once, of what went wrong first. */
  readonly onFailure: (error: TachographError) => void;
  /** How long an answer that was cut short waits for its reader to leave again. */
  readonly patienceMs: number;
}

type Answer = Extract<HttpAnswer, { kind: 'answer' }>;
type Broken = Extract<HttpAnswer, { kind: 'broken' }>;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Milliseconds between two events of an answer that was left: its reader must be able to leave between them again. */
const cutPaceMs = 3;

/** Sends a stream event by event, as it came. */
async function sendEvents(response: ServerResponse, { body, isCut }: Answer): Promise<void> {
  for (const event of body.split(/(?<=\n\n|\r\n\r\n)/)) {
    if (response.destroyed) return;
    response.write(event);
    await (isCut ? sleep(cutPaceMs) : new Promise((resolve) => void setImmediate(resolve)));
  }
}

/** Resolves with true when the reader leaves within the time. */
async function waitForLeaving(response: ServerResponse, patienceMs: number): Promise<boolean> {
  if (response.destroyed) return true;
  const left = new Promise<boolean>((resolve) => void response.once('close', () => resolve(true)));
  return Promise.race([left, sleep(patienceMs, false)]);
}

const hopHeaders = new Set([
  'connection',
  'host',
  'content-length',
  'accept-encoding',
  'transfer-encoding',
  targetHeader,
]);

/** Traces that an SDK uploads of its own work: no part of a recording, and with the network off they go nowhere. */
const isOwnTraces = (target: string): boolean => /\/v1\/traces(?:\/ingest)?$/.test(new URL(target).pathname);

/** Passes a request on to the host it was meant for. */
async function passOn(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || hopHeaders.has(name) ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  );
  const answer = await fetch(String(request.headers[targetHeader]), {
    method: request.method ?? 'GET',
    headers,
    redirect: 'manual',
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
  });
  const kept = [...answer.headers].filter(([name]) => !hopHeaders.has(name) && name !== 'content-encoding');
  response.writeHead(answer.status, Object.fromEntries(kept));
  if (answer.body === null) response.end();
  else await pipeline(Readable.fromWeb(answer.body as never), response);
}

function refuse(response: ServerResponse, error: TachographError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // 400: clients do not try again.
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { type: error.code, code: error.code, message: error.message } }));
}

/** Starts the server on a free port. */
export async function startReplayServer(options: ReplayServerOptions): Promise<ReplayServer> {
  const { replay, onFailure, patienceMs } = options;
  let live = 0;
  let failure: TachographError | null = null;
  const fail = (error: TachographError): void => {
    if (failure !== null) return;
    failure = error;
    onFailure(error);
  };

  const readOn = ({ runId, stepNumber }: { readonly runId: string; readonly stepNumber: number }): void =>
    fail(
      new TachographError(
        'replay-not-recorded',
        `Step ${stepNumber} of run ${runId} cannot be replayed further: its response was left by its reader in the recording, and is now waited for. Give a stand-in for it.`,
      ),
    );

  /** A connection that broke, or that its sender leaves again. */
  const breakOff = async (response: ServerResponse, answer: Broken): Promise<void> => {
    const hasLeft = answer.heldMs === null || (await waitForLeaving(response, answer.heldMs + patienceMs));
    response.req.socket.destroy();
    if (!hasLeft) readOn(answer);
  };

  const send = async (response: ServerResponse, answer: Answer): Promise<void> => {
    response.writeHead(answer.status, answer.headers);
    if (/event-stream/i.test(answer.headers['content-type'] ?? '')) await sendEvents(response, answer);
    else response.write(answer.body);
    if (!answer.isCut) {
      response.end();
      return;
    }
    if (await waitForLeaving(response, patienceMs)) return;
    response.destroy();
    readOn(answer);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const target = request.headers[targetHeader];
    if (typeof target !== 'string') {
      response.writeHead(404).end();
      return;
    }
    if (isOwnTraces(target)) {
      response.writeHead(204).end();
      return;
    }
    const answer = await replay.answer({
      method: request.method ?? 'GET',
      url: target,
      contentType: request.headers['content-type'] ?? null,
      body: body.length === 0 ? null : body.toString('utf8'),
    });
    if (answer.kind === 'broken') await breakOff(response, answer);
    else if (answer.kind === 'answer') await send(response, answer);
    else {
      live += 1;
      await passOn(request, response, body);
    }
  };

  const server: Server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (isTachographError(error)) {
        fail(error);
        refuse(response, error);
      } else {
        // A live host that cannot be reached is the program's own trouble: it sees a broken connection.
        response.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get live() {
      return live;
    },
    get failure() {
      return failure;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
