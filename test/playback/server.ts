import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the playback server. */
export interface Answer {
  /** Path of a recorded file, played back by its name; or use `body`. */
  readonly file?: string;
  readonly body?: string | object;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lines of a stream to send before the connection is cut. */
  readonly cutAfterLines?: number;
  /** Sends this many lines of a stream and then nothing more, with the connection open. */
  readonly stallAfterLines?: number;
}

/** A request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real HTTP server on loopback that plays recorded provider answers back. */
export interface PlaybackServer {
  readonly url: string;
  /** A base URL under which these answers are given one after the other; the last one is repeated. */
  script(answers: readonly Answer[]): string;
  /** Requests to a base URL, in order. */
  requests(baseUrl: string): readonly SeenRequest[];
  close(): Promise<void>;
}

interface Script {
  readonly answers: readonly Answer[];
  readonly requests: SeenRequest[];
}

/** One recorded line as server-sent event; the event's name is the line's own `type`, where it has one. */
function toEvent(line: string): string {
  const { type } = JSON.parse(line) as { type?: unknown };
  return `${typeof type === 'string' ? `event: ${type}\n` : ''}data: ${line}\n\n`;
}

/** Chat completion streams end with a marker of their own. */
function isChat(lines: readonly string[]): boolean {
  return lines.some((line) => line.includes('"chat.completion.chunk"') || line.startsWith('{"choices":'));
}

async function playStream(response: ServerResponse, text: string, answer: Answer): Promise<void> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const last = answer.cutAfterLines ?? answer.stallAfterLines ?? lines.length;
  response.writeHead(answer.status ?? 200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'x-request-id': 'req_playback',
    ...answer.headers,
  });
  for (const line of lines.slice(0, last)) {
    if (!response.write(toEvent(line))) await new Promise((done) => response.once('drain', done));
  }
  if (answer.stallAfterLines !== undefined) return;
  if (answer.cutAfterLines !== undefined) {
    // Without a turn of the loop the cut would overtake the lines before it.
    setTimeout(() => response.destroy(), 20);
    return;
  }
  response.end(isChat(lines) ? 'data: [DONE]\n\n' : '');
}

async function play(response: ServerResponse, answer: Answer): Promise<void> {
  if (answer.file?.endsWith('.chunks.txt') === true)
    return playStream(response, await readFile(answer.file, 'utf8'), answer);
  const body = answer.file === undefined ? answer.body : await readFile(answer.file, 'utf8');
  response.writeHead(answer.status ?? 200, {
    'content-type': 'application/json',
    'x-request-id': 'req_playback',
    ...answer.headers,
  });
  response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Starts a server on a free port. */
export async function createPlaybackServer(): Promise<PlaybackServer> {
  const scripts = new Map<string, Script>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, id = '', ...rest] = (request.url ?? '').split('/');
    const script = scripts.get(id);
    const body = await readBody(request);
    if (script === undefined) return void response.writeHead(404).end();
    script.requests.push({ path: `/${rest.join('/')}`, headers: request.headers, body });
    const { answers } = script;
    await play(response, answers[Math.min(script.requests.length, answers.length) - 1]!);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const idOf = (baseUrl: string): string => baseUrl.slice(url.length + 1);

  return {
    url,
    script(answers) {
      const id = `s${scripts.size + 1}`;
      scripts.set(id, { answers, requests: [] });
      return `${url}/${id}`;
    },
    requests: (baseUrl) => scripts.get(idOf(baseUrl))?.requests ?? [],
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
