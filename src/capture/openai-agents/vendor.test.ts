import * as sdk from '@openai/agents';
import type { Model, ModelProvider, ModelRequest, ModelSettings, SpanData, StreamEvent } from '@openai/agents-core';
import { Agent, Usage } from '@openai/agents';
import { expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import type { AgentsSdk, TracingProcessor } from './index.ts';
import { installAgents, recordModel, recordModelProvider, tachographProcessor } from './index.ts';
import { requestToStart } from './request.ts';
import { parseUsage } from './response.ts';

/** Fails the type check when a name is in one of the two and not in the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const same = <A, B>(_is: Same<A, B>): void => undefined;

test('the types of the SDK are those that are written down here', () => {
  const module: AgentsSdk = sdk;
  expect(module.Runner).toBe(sdk.Runner);
  const processor = tachographProcessor(createRecording().recorder);
  const theirs: Parameters<typeof sdk.setTraceProcessors>[0] = [processor];
  const ours: readonly TracingProcessor[] = [processor];
  expect(theirs).toEqual(ours);
});

test('every kind of span, and every field of a request and of its settings, is known', () => {
  same<
    SpanData['type'],
    | ('task' | 'turn' | 'agent' | 'function' | 'generation' | 'response' | 'handoff' | 'custom' | 'guardrail')
    | ('transcription' | 'speech' | 'speech_group' | 'mcp_tools')
  >(true);
  // Recorded: instructions, input, tools, handoffs, settings, output type, conversation, prompt. Not: how tools and prompts
  // are merged, which the tools and the provider's answer show.
  same<
    keyof ModelRequest,
    | (
        | 'systemInstructions'
        | 'input'
        | 'previousResponseId'
        | 'conversationId'
        | 'modelSettings'
        | 'tools'
        | 'outputType'
      )
    | ('handoffs' | 'tracing' | 'signal' | 'prompt')
    | ('toolsExplicitlyProvided' | 'overridePromptModel')
  >(true);
  // All are recorded by their name but the last two, which the model is not told of.
  same<
    keyof ModelSettings,
    | (
        | 'timeoutMs'
        | 'temperature'
        | 'topP'
        | 'frequencyPenalty'
        | 'presencePenalty'
        | 'toolChoice'
        | 'parallelToolCalls'
      )
    | ('truncation' | 'maxTokens' | 'store' | 'promptCacheRetention' | 'promptCacheOptions' | 'contextManagement')
    | ('reasoning' | 'text' | 'providerData')
    | ('retry' | 'preserveRawUsage')
  >(true);
  same<StreamEvent['type'], 'output_text_delta' | 'response_started' | 'response_done' | 'model'>(true);
});

test('a request is told with its settings in the words of the record', () => {
  const request = {
    systemInstructions: 'Be brief.',
    input: 'hello',
    modelSettings: { temperature: 0.5, maxTokens: 9, retry: { maxRetries: 2 }, reasoning: { effort: 'low' } },
    tools: [],
    handoffs: [{ toolName: 'transfer_to_b', toolDescription: 'b', inputJsonSchema: {}, strictJsonSchema: true }],
    outputType: { type: 'json_schema', name: 'out', strict: true, schema: {} },
    conversationId: 'conv_1',
    tracing: true,
  } as const;
  expect(requestToStart(request)).toEqual({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
    ],
    tools: [{ type: 'function', name: 'transfer_to_b', description: 'b', parameters: {}, strict: true }],
    options: {
      temperature: 0.5,
      maxOutputTokens: 9,
      reasoning: { effort: 'low' },
      responseFormat: request.outputType,
      conversationId: 'conv_1',
    },
  });
  expect(requestToStart({ ...request, tracing: 'enabled_without_data' })).toEqual({ inputsWithheld: true });
});

test('usage is read in three forms, and what was not reported is not zero', () => {
  const sum = { input: { total: 30, noCache: 18, cacheRead: 12 }, output: { total: 9, text: 5, reasoning: 4 } };
  const responses = { input_tokens_details: { cached_tokens: 12 }, output_tokens_details: { reasoning_tokens: 4 } };
  expect(parseUsage({ input_tokens: 30, output_tokens: 9, ...responses })).toMatchObject(sum);
  const chat = { prompt_tokens_details: { cached_tokens: 12 }, completion_tokens_details: { reasoning_tokens: 4 } };
  expect(parseUsage({ prompt_tokens: 30, completion_tokens: 9, ...chat })).toMatchObject(sum);
  expect(parseUsage(new Usage({ input_tokens: 30, output_tokens: 9, ...responses }))).toMatchObject(sum);
  expect(parseUsage(new Usage())).toBeNull();
  expect(parseUsage({ input_tokens: 30, output_tokens: 9 })).toMatchObject({
    input: { total: 30, noCache: null, cacheRead: null },
    output: { total: 9, text: null, reasoning: null },
  });
});

const answer = { usage: new Usage({ input_tokens: 3, output_tokens: 2 }), output: [], responseId: 'r' };

class PrivateModel implements Model {
  readonly #words = 'private';
  getResponse(): Promise<typeof answer> {
    if (this.#words !== 'private') throw new Error('lost');
    return Promise.resolve(answer);
  }
  async *getStreamedResponse(): AsyncIterable<StreamEvent> {}
  getRetryAdvice(): undefined {
    if (this.#words !== 'private') throw new Error('lost');
  }
}

test('a recorded model is one of its class, answers with the same object, and is recorded once', async () => {
  const recording = createRecording();
  const original = new PrivateModel();
  const model = recordModel(original, recording.recorder);
  expect(model).toBeInstanceOf(PrivateModel);
  expect(recordModel(model, recording.recorder)).toBe(model);
  expect(model.getRetryAdvice()).toBeUndefined();
  const provider: ModelProvider = recordModelProvider({ getModel: () => original }, recording.recorder);
  expect(provider.getModel('m')).toBe(model);
  const request = {
    input: 'hi',
    modelSettings: {},
    tools: [],
    handoffs: [],
    outputType: 'text',
    tracing: false,
  } as const;
  expect(await (model as Model).getResponse(request as never)).toBe(answer);
  const { run, steps } = recording.run();
  expect(run).toMatchObject({ agentId: 'model', status: 'completed' });
  expect(steps).toMatchObject([{ kind: 'model', status: 'completed', providerResponseId: 'r' }]);
});

test('an error of a model is thrown as it was', async () => {
  const recording = createRecording();
  const failure = new RangeError('no');
  const failing: Model = {
    getResponse: () => Promise.reject(failure),
    // eslint-disable-next-line require-yield
    async *getStreamedResponse() {
      throw failure;
    },
  };
  const model = recordModel(failing, recording.recorder);
  const request = { input: 'hi', modelSettings: {}, tools: [], handoffs: [], outputType: 'text', tracing: false };
  await expect(model.getResponse(request as never)).rejects.toBe(failure);
  const read = async (): Promise<void> => {
    for await (const _event of model.getStreamedResponse(request as never));
  };
  await expect(read()).rejects.toBe(failure);
  expect(recording.runs().map(({ steps }) => steps[0]!.error!.message)).toEqual(['no', 'no']);
});

test('a recorder that records nothing changes nothing', async () => {
  const { createRecorder } = await import('../../core/record/recorder.ts');
  const recorder = createRecorder({ journal: null });
  const original = new PrivateModel();
  const before = sdk.Runner.prototype.run;
  expect(recordModel(original, recorder)).toBe(original);
  installAgents(recorder, { sdk })();
  installAgents(recorder)();
  expect(sdk.Runner.prototype.run).toBe(before);
});

test('stopping puts the SDK back', async () => {
  const recording = createRecording();
  const before = sdk.Runner.prototype.run;
  const stop = installAgents(recording.recorder, { sdk });
  expect(sdk.Runner.prototype.run).not.toBe(before);
  const runner = new sdk.Runner({ modelProvider: { getModel: () => new PrivateModel() } });
  const ask = (): Promise<void> =>
    expect(runner.run(new Agent({ name: 'A' }), 'x', { maxTurns: 1 })).rejects.toThrow('Max turns');
  await ask();
  expect(recording.runs()).toHaveLength(1);
  stop();
  expect(sdk.Runner.prototype.run).toBe(before);
  await ask();
  expect(recording.runs()).toHaveLength(1);
});

test('of two recorders the last one that the SDK is given to has it', async () => {
  const [first, second] = [createRecording(), createRecording()];
  const before = sdk.Runner.prototype.run;
  const stopFirst = installAgents(first.recorder, { sdk });
  const stopSecond = installAgents(second.recorder, { sdk });
  stopFirst();
  const runner = new sdk.Runner({ modelProvider: { getModel: () => new PrivateModel() } });
  await expect(runner.run(new Agent({ name: 'A' }), 'x', { maxTurns: 1 })).rejects.toThrow('Max turns');
  expect([first.runs().length, second.runs().length]).toEqual([0, 1]);
  stopSecond();
  expect(sdk.Runner.prototype.run).toBe(before);
});

test('an SDK that cannot be changed runs unrecorded, and that is told (I1)', () => {
  const faults: unknown[] = [];
  const { recorder } = createRecording();
  const onError = (error: unknown): void => void faults.push(error);
  const frozen = {
    ...sdk,
    setTraceProcessors: () => undefined,
    Runner: { prototype: Object.freeze({ run: () => 1 }) },
  };
  installAgents(recorder, { sdk: frozen as unknown as AgentsSdk, onError })();
  installAgents(recorder, { sdk: {} as AgentsSdk, onError })();
  installAgents(recorder, { sdk: null as unknown as AgentsSdk, onError })();
  expect(faults.length).toBeGreaterThan(0);
});
