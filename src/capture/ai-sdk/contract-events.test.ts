import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { readSdkTypes } from '../../../test/playback/sdk-declarations.ts';
import { tachographTelemetry } from './index.ts';

/*
 * The events that the SDK tells its integrations of, read field by field from its own sources. A field they gain is in
 * neither list below and breaks this test until it is mapped or named with a reason.
 */

const types = readSdkTypes('ai', 'src');
const typesOfSix = readSdkTypes('ai-v6', 'src');

const own = '- what the program hands to its own code; the SDK leaves it out of telemetry as well';
const effect = '- its effect is in the record: ';
const again = '- says again what the steps said';

const ofEvent = {
  callId: 'joins the events of a call',
  operationId: 'name of the run, operation of the step',
  provider: 'provider',
  modelId: 'model',
};
const settings = {
  maxOutputTokens: 'options',
  temperature: 'options',
  topP: 'options',
  topK: 'options',
  presencePenalty: 'options',
  frequencyPenalty: 'options',
  stopSequences: 'options',
  seed: 'options',
};
const { stopSequences: _stopSequences, ...settingsOfObject } = settings;
const ofCaller = {
  maxRetries: `${effect}attempts`,
  headers: '- those that were sent are on the attempt',
  providerOptions: 'options, and their count',
};
const toolChoice = { toolChoice: 'options', 'toolChoice.type': 'options', 'toolChoice.toolName': 'options' };
const chosenTools = { activeTools: `${effect}tools`, toolOrder: `${effect}tools` };
const ofResult = { warnings: 'metadata', providerMetadata: 'metadata', response: 'attempt and step' };
const stepStart = {
  ...{ callId: ofEvent.callId, provider: 'provider', modelId: 'model', stepNumber: 'which step of the call' },
  ...{ instructions: 'messages, where the provider’s form is not told', messages: 'which conversation goes on' },
  ...{ tools: 'which tool schemas are known already', ...toolChoice, ...chosenTools },
  ...{ steps: again, providerOptions: 'options, and their count', output: 'options: the format asked for' },
  ...{ runtimeContext: own, toolsContext: own },
};
const stepEnd = {
  ...{ callId: ofEvent.callId, stepNumber: 'which step of the call' },
  ...{ toolsContext: own, runtimeContext: own, content: 'response, where the provider’s answer was not seen' },
  ...{ text: again, reasoning: again, reasoningText: again, files: again, sources: again },
  ...{ toolCalls: again, staticToolCalls: again, dynamicToolCalls: again },
  ...{ toolResults: again, staticToolResults: again, dynamicToolResults: again },
  ...{ finishReason: 'finishReason', rawFinishReason: 'finishReason', usage: 'usage', request: 'attempt', ...ofResult },
};
const audioIn = { audio: 'request: size and type', 'audio.byteLength': 'request', 'audio.mediaType': 'request' };
const transcriptEnd = {
  ...{ text: 'response', segments: 'response', language: 'response', durationInSeconds: 'response' },
  ...{ usage: 'usageRaw: seconds are no tokens', ...ofResult },
};

/** What becomes of each field: where it is recorded, or, after a dash, why it is not. */
const fates: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  TelemetryOptions: {
    isEnabled: '- false silences everything; then only HTTP is left',
    recordInputs: 'false withholds',
    recordOutputs: 'false withholds',
    functionId: 'agent id',
    includeRuntimeContext: own,
    includeToolsContext: own,
    integrations: '- how the events reach us',
  },
  GenerateTextStartEvent: {
    ...ofEvent,
    ...settings,
    ...ofCaller,
    ...toolChoice,
    ...chosenTools,
    reasoning: 'options',
    instructions: 'messages',
    messages: 'messages',
    tools: 'tools, as each step shows them to the model',
    output: 'options: the format asked for',
    timeout: `${effect}an end by timeout`,
    ...Object.fromEntries(
      ['totalMs', 'stepMs', 'firstChunkMs', 'chunkMs', 'toolMs', 'tools'].map((name) => [
        `timeout.${name}`,
        `${effect}an end by timeout`,
      ]),
    ),
    toolsContext: own,
    runtimeContext: own,
  },
  GenerateTextStepStartEvent: stepStart,
  GenerateTextStepErrorEvent: { ...stepStart, error: 'error' },
  LanguageModelCallStartEvent: {
    ...{ callId: ofEvent.callId, provider: 'provider', modelId: 'model', ...settings, reasoning: 'options' },
    ...{
      tools: 'tools, where the step was not announced',
      instructions: 'messages, there',
      messages: 'messages, there',
    },
  },
  StepResult: {
    ...stepEnd,
    model: 'model',
    'model.provider': 'provider',
    'model.modelId': 'model',
    performance: 'timeToFirstTokenMs; all else is measured by the record itself',
    experimental_steeringMessages: `${effect}messages of the next step`,
  },
  GenerateTextEndEvent: {
    ...stepEnd,
    text: 'output of the run',
    model: again,
    totalUsage: again,
    responseMessages: again,
    steps: again,
    finalStep: again,
  },
  GenerateTextAbortEvent: { callId: ofEvent.callId, steps: again, reason: 'error' },
  GenerateObjectStartEvent: {
    ...ofEvent,
    ...settingsOfObject,
    ...ofCaller,
    system: 'messages, as the step tells them',
    prompt: 'messages, as the step tells them',
    messages: 'messages, as the step tells them',
    output: '- object, array, enum: the schema says it',
    schema: 'request content',
    schemaName: 'options',
    schemaDescription: 'options',
  },
  GenerateObjectStepStartEvent: {
    ...{ callId: ofEvent.callId, stepNumber: 'which step of the call', provider: 'provider', modelId: 'model' },
    ...{ providerOptions: 'options, and their count', headers: ofCaller.headers, promptMessages: 'messages' },
  },
  GenerateObjectStepEndEvent: {
    ...{ callId: ofEvent.callId, stepNumber: 'which step of the call', provider: 'provider', modelId: 'model' },
    ...{ finishReason: 'finishReason', usage: 'usage', objectText: 'response', reasoning: 'response', ...ofResult },
    ...{ request: '- only the wire knows it', msToFirstChunk: 'timeToFirstTokenMs' },
  },
  GenerateObjectEndEvent: {
    ...{ callId: ofEvent.callId, object: 'output of the run', error: 'error of the run', reasoning: again },
    ...{ finishReason: again, usage: again, warnings: again, request: again, response: again, providerMetadata: again },
  },
  EmbedStartEvent: { ...ofEvent, ...ofCaller, runtimeContext: own, value: 'request', dimensions: 'request' },
  EmbeddingModelCallStartEvent: {
    ...{ ...ofEvent, embedCallId: 'joins start and end', values: 'request', dimensions: 'request' },
  },
  EmbeddingModelCallEndEvent: {
    ...{ ...ofEvent, embedCallId: 'joins start and end', values: again, embeddings: 'response', usage: 'usage' },
  },
  EmbedEndEvent: {
    ...{ ...ofEvent, runtimeContext: own, value: again, embedding: again, usage: again },
    ...{ warnings: 'log of the run', providerMetadata: 'log of the run', response: 'log of the run' },
    ...{ 'response.headers': '- on the attempt, where the wire is seen', 'response.body': '- the vectors again' },
  },
  RerankStartEvent: {
    ...{ ...ofEvent, ...ofCaller, runtimeContext: own, documents: 'request', query: 'request', topN: 'request' },
  },
  RerankingModelCallStartEvent: {
    ...{ ...ofEvent, documents: 'request', documentsType: 'request', query: 'request', topN: 'request' },
  },
  RerankingModelCallEndEvent: { ...ofEvent, documentsType: again, ranking: 'response' },
  RerankEndEvent: {
    ...{ ...ofEvent, runtimeContext: own, documents: again, query: again, ranking: again },
    ...{ warnings: 'log of the run', providerMetadata: 'log of the run', response: 'log of the run' },
    ...{
      'response.id': 'log of the run',
      'response.timestamp': 'log of the run',
      'response.modelId': 'log of the run',
    },
    ...{ 'response.headers': '- on the attempt, where the wire is seen', 'response.body': '- the ranking again' },
  },
  GenerateSpeechStartEvent: {
    ...{ ...ofEvent, ...ofCaller, text: 'request', voice: 'request', outputFormat: 'request' },
    ...{ instructions: 'request', speed: 'request', language: 'request' },
  },
  GenerateSpeechEndEvent: {
    ...{ ...ofEvent, text: again, audio: 'response: size and type', usage: 'usageRaw: characters are no tokens' },
    ...{ 'audio.byteLength': 'response', 'audio.mediaType': 'response', 'audio.format': 'response', ...ofResult },
  },
  TranscriptionStartEvent: {
    ...{ ...ofEvent, ...ofCaller, ...audioIn, inputAudioFormat: 'request', timestampGranularities: 'request' },
  },
  TranscriptionEndEvent: {
    ...{ ...ofEvent, audio: again, 'audio.byteLength': again, 'audio.mediaType': again, ...transcriptEnd },
    words: 'response',
  },
  StreamTranscriptionStartEvent: { ...ofEvent, ...ofCaller, ...audioIn, inputAudioFormat: 'request' },
  StreamTranscriptionEndEvent: {
    ...{ ...ofEvent, audio: again, 'audio.byteLength': again, 'audio.mediaType': again, ...transcriptEnd },
  },
  DecideStartEvent: {
    ...{ ...ofEvent, ...ofCaller, runtimeContext: own, state: 'request', questions: 'request' },
    ...{ maxOutputTokens: 'options', reasoning: 'options' },
  },
  DecisionModelCallStartEvent: { ...ofEvent, state: 'request', questions: 'request' },
  DecisionModelCallEndEvent: {
    ...{ ...ofEvent, state: again, questions: again, answers: 'response', rounding: 'response', usage: 'usage' },
    ...ofResult,
  },
  DecideEndEvent: {
    ...{ ...ofEvent, ...ofCaller, runtimeContext: own, state: again, questions: again, answers: again, usage: again },
    ...{ maxOutputTokens: again, reasoning: again, maxRetries: again, headers: again, providerOptions: again },
    ...{ warnings: again, rounding: again, providerMetadata: again, response: again },
  },
};

/** Members of the telemetry interface that are not implemented, with the reason. */
const unusedHooks: Readonly<Record<string, string>> = {
  experimental_durable:
    'a tracing identity across processes; without it the SDK reports the run afterwards, which is recorded so',
  onLanguageModelCallStart: 'says before what executeLanguageModelCall says, which every version 7 calls next',
  onLanguageModelCallEnd: 'says again what executeLanguageModelCall brought',
  onStepEnd: 'says again what onStepFinish says, the name that version 6 knows too',
  experimental_onEvaluateStart: 'old name of onDecideStart',
  experimental_onEvaluationModelCallStart: 'old name of onDecisionModelCallStart',
  experimental_onEvaluationModelCallEnd: 'old name of onDecisionModelCallEnd',
  experimental_onEvaluateEnd: 'old name of onDecideEnd',
};

describe('the events of the SDK', () => {
  test.each(Object.keys(fates))('every field of %s is mapped or left out for a reason', (name) => {
    expect(types.fieldsOf(name)).toEqual(Object.keys(fates[name]!).toSorted());
  });

  test('every hook of both versions of the interface is implemented or left out for a reason', () => {
    const names = (of: typeof types, type: string): string[] => of.fieldsOf(type).filter((name) => !name.includes('.'));
    const hooks = new Set([...names(types, 'Telemetry'), ...names(typesOfSix, 'TelemetryIntegration')]);
    const implemented = Object.keys(tachographTelemetry(createRecording().recorder));
    expect([...hooks].toSorted()).toEqual([...implemented, ...Object.keys(unusedHooks)].toSorted());
  });
});
