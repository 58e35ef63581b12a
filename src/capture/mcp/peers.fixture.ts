import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdioTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OldHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport as OldMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { Recorder } from '../../core/record/recording.ts';
import type { McpTransport } from './index.ts';
import { recordServer, recordTransport } from './index.ts';
import type { Doing } from './server.fixture.ts';
import { buildOldServer, buildServer } from './server.fixture.ts';

/** A tool's answer, as both packages give it. */
export interface Answered {
  readonly content: readonly { readonly text: string }[];
  readonly isError?: boolean;
}

/** How a call is made, where it matters. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  readonly onprogress?: (progress: unknown) => void;
}

/** A client of either package. */
export interface Peer {
  connect(transport: McpTransport): Promise<void>;
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Answered>;
  listTools(): Promise<unknown>;
  close(): Promise<void>;
}

/** An HTTP server with recorded sessions. */
export interface Served {
  readonly url: URL;
  close(): Promise<void>;
}

/** One of the two packages, with everything a test makes of it. */
export interface Generation {
  readonly name: string;
  readonly revision: string;
  client(): Peer;
  stdio(home: string): McpTransport & { readonly pid: number | null };
  http(url: URL): McpTransport;
  memory(): readonly [McpTransport, McpTransport];
  /** Connects a server to a transport of its own package. */
  serve(transport: McpTransport, doing?: Doing): Promise<void>;
  listen(recorder: Recorder, doing?: Doing): Promise<Served>;
}

const program = join(import.meta.dirname, 'stdio-server.fixture.ts');
const thought = {
  model: 'tiny-1',
  role: 'assistant',
  content: { type: 'text', text: 'because' },
  stopReason: 'endTurn',
} as const;

async function listenHttp(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Served> {
  const server: HttpServer = createServer(handle);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function newClient(): Peer {
  const client = new Client(
    { name: 'asker', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { sure: true } }));
  return {
    connect: (transport) => client.connect(transport as InMemoryTransport),
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args }, options)) as unknown as Answered,
    listTools: () => client.listTools(),
    close: () => client.close(),
  };
}

function oldClient(): Peer {
  const client = new OldClient(
    { name: 'asker', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} }, sampling: {} } },
  );
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { sure: true } }));
  client.setRequestHandler(CreateMessageRequestSchema, async () => thought);
  return {
    connect: (transport) => client.connect(transport as OldMemoryTransport),
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as unknown as Answered,
    listTools: () => client.listTools(),
    close: () => client.close(),
  };
}

/** The 2.x packages, which speak the stateless revision. */
export const newGeneration: Generation = {
  name: '2.x',
  revision: '2026-07-28',
  client: newClient,
  stdio: (home) => new StdioClientTransport({ command: process.execPath, args: [program, 'new', home] }),
  http: (url) => new StreamableHTTPClientTransport(url),
  memory: () => InMemoryTransport.createLinkedPair(),
  serve: async (transport, doing) => {
    const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
    serveStdio(() => buildServer(doing), { transport: transport as InMemoryTransport });
  },
  listen: (recorder, doing) =>
    listenHttp(toNodeHandler(createMcpHandler(() => recordServer(buildServer(doing), recorder)))),
};

/** The 1.x package, with sessions. */
export const oldGeneration: Generation = {
  name: '1.x',
  revision: '2025-11-25',
  client: oldClient,
  stdio: (home) => new OldStdioTransport({ command: process.execPath, args: [program, 'old', home] }),
  http: (url) => new OldHttpTransport(url),
  memory: () => OldMemoryTransport.createLinkedPair(),
  serve: (transport, doing) => buildOldServer(doing).connect(transport as OldMemoryTransport),
  async listen(recorder, doing) {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    return listenHttp(async (request, response) => {
      const known = sessions.get(String(request.headers['mcp-session-id']));
      if (known !== undefined) return known.handleRequest(request, response);
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      const recorded = recordTransport(transport, recorder, { side: 'server' });
      await buildOldServer(doing).connect(recorded as never);
      await recorded.handleRequest(request, response);
    });
  },
};

/** Both. */
export const generations: readonly Generation[] = [newGeneration, oldGeneration];
