import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  asks,
  createScriptedProvider,
  createWorkplace,
  executable,
} from '../src/capture/claude-agent/claude.fixture.ts';
import { call, createResponsesServer, hasResult } from '../src/capture/openai-agents/responses-server.fixture.ts';
import { openTachograph } from '../src/cli/open.ts';
import type { TemporaryHome } from '../test/indexer/home.ts';
import { createTemporaryHome } from '../test/indexer/home.ts';
import { nodePath, root } from '../test/node.ts';
import { chatPath, openLoopback } from '../test/playback/loopback.ts';

// Every example is killed while its model is thinking about the result of a tool.

const isBuilt = existsSync(join(root, 'dist/openai-agents.js'));

let place: TemporaryHome;
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

/** A provider that asks for one tool, and then says nothing more. */
interface Provider {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void> | void;
}

const chunk = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

async function chatProvider(onThought: () => void): Promise<Provider> {
  const loopback = await openLoopback();
  loopback.handlers[chatPath] = (_request, response, body) => {
    const { messages, stream } = JSON.parse(body) as { messages: { role: string }[]; stream?: boolean };
    if (messages.some(({ role }) => role === 'tool')) return onThought();
    const fn = { name: 'population', arguments: '{"town":"Bern"}' };
    const delta = {
      role: 'assistant',
      content: null,
      tool_calls: [{ index: 0, id: 'c', type: 'function', function: fn }],
    };
    response.writeHead(200, { 'content-type': stream === true ? 'text/event-stream' : 'application/json' });
    if (stream === true) return void response.end(`${chunk(delta, null)}${chunk({}, 'tool_calls')}data: [DONE]\n\n`);
    const choices = [{ index: 0, message: delta, finish_reason: 'tool_calls' }];
    return void response.end(JSON.stringify({ id: 'a', object: 'chat.completion', created: 1, model: 'm', choices }));
  };
  return { env: { OPENAI_BASE_URL: `${loopback.origin}/v1` }, close: loopback.close };
}

async function responsesProvider(onThought: () => void): Promise<Provider> {
  const server = await createResponsesServer();
  server.script(async (asked) => {
    if (!hasResult(asked)) return { output: [call('population', { town: 'Bern' })] };
    onThought();
    return await new Promise<never>(() => undefined);
  });
  return { env: { OPENAI_BASE_URL: server.baseURL }, close: server.close };
}

async function messagesProvider(onThought: () => void): Promise<Provider> {
  const provider = await createScriptedProvider((seen) => {
    if (!seen.said.includes('tool_result'))
      return asks([{ id: 'toolu_bern', name: 'mcp__towns__population', input: { town: 'Bern' } }]);
    // The executable first has to hand on that it asks.
    setTimeout(onThought, 500);
    return { blocks: [{ type: 'text', text: 'Well' }], stalls: true };
  });
  const workplace = createWorkplace(provider.url);
  return {
    env: workplace.env,
    async close() {
      await provider.close();
      workplace.remove();
    },
  };
}

const cases = [
  { program: 'ai-sdk-agent/agent.mjs', under: true, open: chatProvider },
  { program: 'langchain/agent.mjs', under: true, open: chatProvider },
  { program: 'langchain/recorded.mjs', under: false, open: chatProvider },
  { program: 'mastra/agent.mjs', under: true, open: chatProvider },
  { program: 'openai-agents/agent.mjs', under: false, open: responsesProvider },
  { program: 'claude-agent/agent.mjs', under: false, open: messagesProvider },
].filter(({ program }) => executable !== null || !program.startsWith('claude'));

describe.skipIf(!isBuilt)('kill -9 in the middle of a model call (skipped when dist is not built)', () => {
  test.each(cases)('$program: what was begun is in the record (I2, I3)', async ({ program, under, open }) => {
    let kill: () => void = () => undefined;
    const provider = await open(() => kill());
    const register = join(root, 'dist/register.js');
    const child = spawn(nodePath, [...(under ? ['--import', register] : []), join(root, 'examples', program)], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        ...provider.env,
        NODE_OPTIONS: '',
        OPENAI_API_KEY: 'k',
        TACHOGRAPH_HOME: place.home,
        TACHOGRAPH_HOSTS: '127.0.0.1:*',
        MASTRA_TELEMETRY_DISABLED: '1',
      },
    });
    kill = () => void child.kill('SIGKILL');
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    await provider.close();
    expect(signal).toBe('SIGKILL');

    const home = await openTachograph({ home: place.home });
    try {
      await home.indexer.catchUp();
      const { items } = await home.store.listRuns('default', {}, { limit: 50 });
      expect(items.map(({ status, endReason }) => [status, endReason])).toEqual([['failed', 'interrupted']]);
      const steps = (await home.store.listSteps('default', items[0]!.id)).filter(({ kind }) => kind !== 'phase');
      expect(steps.map(({ kind, status }) => [kind, status])).toEqual([
        ['model', 'completed'],
        ['tool', 'completed'],
        ['model', 'interrupted'],
      ]);
      expect(steps[2]!.contextLength).toBeGreaterThan(steps[0]!.contextLength!);
    } finally {
      await home.close();
    }
  });
});
