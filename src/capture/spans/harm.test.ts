import { Agent as MastraAgent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { Mastra } from '@mastra/core/mastra';
import { InMemoryStore } from '@mastra/core/storage';
import { Observability } from '@mastra/observability';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { tool as langChainTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import * as sdk from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { tachographHandler } from '../langchain/index.ts';
import type { ModelServer } from '../mastra/mastra.fixture.ts';
import { openModelServer } from '../mastra/mastra.fixture.ts';
import { tachographConfig } from '../mastra/index.ts';
import { recordServer, recordTransport } from '../mcp/index.ts';
import { buildServer } from '../mcp/server.fixture.ts';
import { installAgents } from '../openai-agents/index.ts';
import type { ResponsesServer } from '../openai-agents/responses-server.fixture.ts';
import { call, createResponsesServer, hasResult, say } from '../openai-agents/responses-server.fixture.ts';

// Every capture of a framework, with recorders in every bad way: what the program gets is what it gets unrecorded (I1).

const secret = 'sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-AbCdEfGhIjKlMn';
const cyclic: Record<string, unknown> = { secret };
cyclic['self'] = cyclic;

let chat: ModelServer;
let responses: ResponsesServer;
beforeAll(async () => {
  [chat, responses] = await Promise.all([openModelServer(), createResponsesServer()]);
  sdk.setDefaultOpenAIClient(new OpenAI({ apiKey: 'k', baseURL: responses.baseURL }) as never);
});
afterAll(() => {
  chat.close();
  responses.close();
});

const fails = (): never => {
  throw new Error('a listener that fails');
};

const parameters = z.object({ key: z.string() });
const asked = { name: 'open', args: { key: secret } };

/** Runs one small program of a framework: a tool is given a secret and fails, with it, or not. What came of it. */
type Play = (recorder: Recorder, isFailing: boolean) => Promise<unknown>;

const open = async (isFailing: boolean): Promise<object> => {
  if (isFailing) throw new Error(`no door for ${secret}`);
  return cyclic;
};

const plays: Readonly<Record<string, Play>> = {
  async 'OpenAI Agents'(recorder, isFailing) {
    responses.script((request) => ({ output: hasResult(request) ? [say('Open.')] : [call(asked.name, asked.args)] }));
    const undo = installAgents(recorder, { sdk, onError: fails });
    const errorFunction = isFailing ? null : () => 'failed';
    const tool = sdk.tool({
      name: 'open',
      description: 'o',
      parameters,
      execute: () => open(isFailing),
      errorFunction,
    });
    const agent = new sdk.Agent({ name: 'A', model: 'm', tools: [tool] });
    try {
      return (await sdk.run(agent, 'x')).finalOutput;
    } finally {
      undo();
    }
  },
  async LangGraph(recorder, isFailing) {
    chat.model('m', { calls: [asked] }, { text: 'Open.' });
    const fields = { name: 'open', description: 'o', schema: parameters };
    const tool = langChainTool(async () => JSON.stringify(Object.keys(await open(isFailing))), fields);
    const llm = new ChatOpenAI({ model: 'm', apiKey: 'k', configuration: { baseURL: `${chat.origin}/v1` } });
    const callbacks = [tachographHandler(recorder, { onError: fails })];
    const input = { messages: [{ role: 'user', content: 'x' }] };
    const { messages } = await createReactAgent({ llm, tools: [tool] }).invoke(input, { callbacks });
    return messages.map(({ text }) => text);
  },
  async Mastra(recorder, isFailing) {
    const model = chat.model('m', { calls: [asked] }, { text: 'Open.' });
    const tool = createTool({ id: 'open', description: 'o', inputSchema: parameters, execute: () => open(isFailing) });
    const agent = new MastraAgent({ id: 'a', name: 'a', instructions: 'x', model, tools: { open: tool } });
    const configs = { t: tachographConfig(recorder, { onError: fails }) as never };
    const observability = new Observability({ configs });
    const mastra = new Mastra({ agents: { a: agent }, storage: new InMemoryStore(), logger: false, observability });
    const { text } = await mastra.getAgent('a').generate('x');
    await mastra.shutdown();
    return text;
  },
  async MCP(recorder) {
    const [near, far] = InMemoryTransport.createLinkedPair();
    await recordServer(buildServer(), recorder, { onError: fails }).connect(far as never);
    const client = new Client({ name: 'c', version: '1' });
    await client.connect(recordTransport(near, recorder, { onError: fails }) as never);
    const good = await client.callTool({ name: 'add', arguments: { a: 1, b: 2, secret } });
    const bad = await client.callTool({ name: 'nothing', arguments: { secret } }).catch((error: unknown) => error);
    await client.close();
    return [good.content, String(bad)];
  },
};

const contentKey = new Uint8Array(32);
const broken = (): never => {
  throw new Error('a broken journal');
};

/** A recorder whose every method, and those of what it gives out, throws. */
function createTrap(): Recorder {
  const real = createRecording().recorder;
  return new Proxy(real, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' && key !== 'current' && key !== 'currentStep' ? broken : value;
    },
  });
}

function createClosed(): Recorder {
  const { recorder } = createRecording();
  void recorder.close();
  return recorder;
}

const recorders: Readonly<Record<string, () => Recorder>> = {
  'with a journal that throws': () =>
    createRecorder({
      contentKey,
      onError: fails,
      journal: {
        durability: 'process',
        append: broken,
        takeLoss: broken,
        generation: () => 0,
        flush: broken,
        close: broken,
      },
    }),
  'that is closed': createClosed,
  'that breaks its promise not to throw': createTrap,
};

const outcome = async (play: Play, recorder: Recorder, isFailing: boolean): Promise<unknown> => {
  try {
    return { value: await play(recorder, isFailing) };
  } catch (error) {
    return { name: (error as Error).name, message: (error as Error).message };
  }
};

describe.each(Object.entries(plays))('%s', (_framework, play) => {
  test.each(Object.entries(recorders))('a recorder %s', async (_how, create) => {
    for (const isFailing of [false, true]) {
      const plain = await outcome(play, createRecorder({ journal: null }), isFailing);
      expect(await outcome(play, create(), isFailing)).toEqual(plain);
    }
  });

  test('no secret of a tool call or its error is in the record (I4)', async () => {
    for (const isFailing of [false, true]) {
      const recording = createRecording();
      await outcome(play, recording.recorder, isFailing);
      await recording.recorder.close();
      const tools = recording.runs().flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'tool'));
      expect(tools.length).toBeGreaterThan(0);
      expect(recording.everything()).not.toContain(secret);
    }
  });
});
