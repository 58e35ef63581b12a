import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

function findExecutable(): string | null {
  const { platform, arch } = process;
  const names = [`${platform}-${arch}`, `${platform}-${arch}-musl`];
  const sdk = createRequire(import.meta.url).resolve('@anthropic-ai/claude-agent-sdk');
  const file = platform === 'win32' ? 'claude.exe' : 'claude';
  return names.map((name) => join(`${dirname(sdk)}-${name}`, file)).find((path) => existsSync(path)) ?? null;
}

/** The SDK's native executable for this platform, or `null` where it is not installed: the tests are then skipped, loudly. */
export const executable = findExecutable();

if (executable === null) {
  process.stderr.write(`no Claude Code executable for ${process.platform}-${process.arch}: its tests are skipped\n`);
}

/** A request as the scripted provider saw it. */
export interface SeenCall {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: { readonly model: string; readonly stream?: boolean; readonly messages: readonly unknown[] };
  /** Everything said so far, as text. */
  readonly said: string;
  /** The process's own session. */
  readonly sessionId: string;
  /** The subagent that asks; `null` for the main agent. */
  readonly agentId: string | null;
}

/** One block of an answer. */
export type Block = Readonly<Record<string, unknown>> & { readonly type: string };

/** What the provider answers. */
export interface Reply {
  readonly blocks?: readonly Block[];
  readonly stop?: string;
  readonly input?: number;
  readonly output?: number;
  /** Sends its blocks and then nothing more, with the connection open. */
  readonly stalls?: boolean;
  /** An error in the place of an answer. */
  readonly status?: number;
  readonly error?: string;
}

/** Says words. */
export const says = (text: string, more: Omit<Reply, 'blocks'> = {}): Reply => ({
  blocks: [{ type: 'text', text }],
  ...more,
});

/** Asks for tools: id, name and input of each. */
export const asks = (
  calls: readonly { readonly id: string; readonly name: string; readonly input: object }[],
  more: Omit<Reply, 'blocks'> = {},
): Reply => ({ blocks: calls.map((call) => ({ type: 'tool_use', ...call })), stop: 'tool_use', ...more });

/** A provider on loopback that speaks Anthropic messages and answers as a script says. */
export interface ScriptedProvider {
  readonly url: string;
  readonly calls: readonly SeenCall[];
  close(): Promise<void>;
}

function deltaOf(block: Block): object | null {
  if (block.type === 'text') return { type: 'text_delta', text: block['text'] };
  if (block.type === 'thinking') return { type: 'thinking_delta', thinking: block['thinking'], estimated_tokens: 40 };
  return block.type === 'tool_use' ? { type: 'input_json_delta', partial_json: JSON.stringify(block['input']) } : null;
}

function emptied(block: Block): object {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { ...block, input: {} };
}

function play(response: ServerResponse, id: string, call: SeenCall, reply: Reply): void {
  if (reply.status !== undefined) {
    response.writeHead(reply.status, { 'content-type': 'application/json', 'request-id': `req_${id}` });
    const error = { type: reply.error ?? 'api_error', message: 'no good' };
    return void response.end(JSON.stringify({ type: 'error', error, request_id: `req_${id}` }));
  }
  const { blocks = [], input = 100, output = 20 } = reply;
  const usage = {
    input_tokens: input,
    cache_creation_input_tokens: 7,
    cache_read_input_tokens: 11,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
    output_tokens: 1,
  };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_${id}` });
  const send = (event: { readonly type: string }): void =>
    void response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const message = { id, type: 'message', role: 'assistant', model: call.body.model, content: [], usage };
  send({ type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null } } as never);
  for (const [index, block] of blocks.entries()) {
    send({ type: 'content_block_start', index, content_block: emptied(block) } as never);
    send({ type: 'content_block_delta', index, delta: deltaOf(block) } as never);
    if (block.type === 'thinking')
      send({ type: 'content_block_delta', index, delta: { type: 'signature_delta', signature: 'c2ln' } } as never);
    if (reply.stalls === true && index === blocks.length - 1) return;
    send({ type: 'content_block_stop', index } as never);
  }
  const delta = { stop_reason: reply.stop ?? 'end_turn', stop_sequence: null };
  send({ type: 'message_delta', delta, usage: { output_tokens: output } } as never);
  send({ type: 'message_stop' });
  response.end();
}

/** Starts a provider whose answers `script` gives. */
export async function createScriptedProvider(script: (call: SeenCall) => Reply): Promise<ScriptedProvider> {
  const calls: SeenCall[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => void (text += piece));
    request.on('end', () => {
      if (request.method !== 'POST' || !/\/v1\/messages(?:\?|$)/.test(request.url ?? ''))
        return void response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      const body = JSON.parse(text) as SeenCall['body'];
      const { headers } = request;
      const call: SeenCall = {
        headers,
        text,
        body,
        said: JSON.stringify(body.messages),
        sessionId: String(headers['x-claude-code-session-id']),
        agentId: (headers['x-claude-code-agent-id'] as string | undefined) ?? null,
      };
      calls.push(call);
      return play(response, `msg_${calls.length}`, call, script(call));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A folder to work in and an environment for the executable: no settings, no traffic but to the provider. */
export interface Workplace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** A fresh workplace whose model calls go to this URL. */
export function createWorkplace(baseUrl: string): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'claude-agent-'));
  return {
    folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      CLAUDE_CONFIG_DIR: join(folder, '.claude'),
      CLAUDE_CODE_TMPDIR: folder,
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_API_KEY: 'sk-ant-hidden-key-0000',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    // The process may still be writing its last lines when its query is over.
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}
