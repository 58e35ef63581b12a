import { describe, expect, test } from 'vitest';
import { readSdkTypes } from '../../../test/playback/sdk-declarations.ts';

/*
 * The provider layer's own type sources, read field by field. A field it gains is in neither list below and breaks this
 * test until it is mapped or named with a reason.
 */

const types = readSdkTypes('@ai-sdk/provider', 'src');

/** Fields that are recorded as they are, within the named piece. */
const whole = (piece: string, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `${piece}, whole`]));

/** What every call that is no conversation takes besides. */
const ofEveryCall = {
  providerOptions: 'options, and their count',
  abortSignal: '- an object of the process; its effect is the step’s end',
  headers: '- those that were sent are on the attempt',
};

const ofEveryResult = { providerMetadata: 'metadata', warnings: 'metadata', response: 'attempt and step' };

const ofResponse = {
  'response.timestamp': '- the provider’s clock; the record has its own',
  'response.modelId': 'model',
  'response.headers': 'attempt',
  'response.body': 'attempt',
};

/** What becomes of each field: where it is recorded, or, after a dash, why it is not. */
const fates: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  LanguageModelV4CallOptions: {
    prompt: 'messages',
    maxOutputTokens: 'options',
    temperature: 'options',
    stopSequences: 'options',
    topP: 'options',
    topK: 'options',
    presencePenalty: 'options',
    frequencyPenalty: 'options',
    responseFormat: 'options, its schema as request content',
    'responseFormat.type': 'options',
    'responseFormat.schema': 'request content',
    'responseFormat.name': 'options',
    'responseFormat.description': 'options',
    seed: 'options',
    tools: 'tools',
    toolChoice: 'options',
    includeRawChunks: '- changes what the caller sees of the stream, not what the model is asked',
    abortSignal: '- an object of the process; its effect is the step’s end',
    headers: '- those that were sent are on the attempt',
    reasoning: 'options',
    providerOptions: 'options, and their count',
  },
  LanguageModelV4GenerateResult: {
    content: 'response',
    structuredOutputText: 'metadata',
    finishReason: 'finishReason',
    usage: 'usage',
    providerMetadata: 'metadata',
    request: 'attempt',
    'request.url': 'attempt',
    'request.body': 'attempt',
    response: 'attempt and step',
    'response.id': 'providerResponseId',
    'response.timestamp': '- the provider’s clock; the record has its own',
    'response.modelId': 'model',
    'response.headers': 'attempt',
    'response.body': 'attempt',
    warnings: 'metadata',
  },
  LanguageModelV4StreamResult: {
    stream: 'observed',
    request: 'attempt',
    'request.url': 'attempt',
    'request.body': 'attempt',
    response: 'attempt',
    'response.headers': 'attempt',
  },
  LanguageModelV4FinishReason: { unified: 'finishReason', raw: 'finishReason' },
  LanguageModelV4Usage: {
    inputTokens: 'usage',
    'inputTokens.total': 'usage',
    'inputTokens.noCache': 'usage',
    'inputTokens.cacheRead': 'usage',
    'inputTokens.cacheWrite': 'usage',
    outputTokens: 'usage',
    'outputTokens.total': 'usage',
    'outputTokens.text': 'usage',
    'outputTokens.reasoning': 'usage',
    raw: 'usageRaw, and the lifetime split of cache writes',
  },
  LanguageModelV4StreamPart: {
    type: 'what the part is',
    id: 'which block, call or response it belongs to',
    delta: 'response',
    citations: 'response',
    providerMetadata: 'response, or metadata when on finish',
    toolName: 'response',
    inputEncoding: '- how the deltas are written; the final call has the input',
    providerExecuted: 'response',
    dynamic: 'response',
    title: '- a label of the caller’s tool',
    approvalId: 'response',
    toolCallId: 'response',
    input: 'response',
    result: 'response',
    isError: 'response',
    preliminary: 'response; a later result takes its place',
    kind: 'response',
    mediaType: 'response',
    data: 'response, as digest and size',
    'data.type': 'response',
    'data.data': 'response, as digest and size',
    'data.url': 'response',
    'data.originalUrl': 'response',
    sourceType: 'response',
    url: 'response',
    filename: 'response',
    warnings: 'metadata',
    timestamp: '- the provider’s clock; the record has its own',
    modelId: 'model',
    usage: 'usage',
    finishReason: 'finishReason',
    rawValue: '- the wire’s own bytes, which an HTTP attempt records',
    error: 'error',
  },
  LanguageModelV4Message: {
    role: 'message, whole',
    content: 'message, whole',
    providerOptions: 'message; its cache marks as marks of the step',
  },
  LanguageModelV4TextPart: whole('message', 'type', 'text', 'providerOptions'),
  LanguageModelV4FilePart: {
    ...whole('message', 'type', 'filename', 'mediaType', 'providerOptions'),
    data: 'message, bytes as digest and size',
  },
  LanguageModelV4ReasoningPart: whole('message', 'type', 'text', 'providerOptions'),
  LanguageModelV4ToolCallPart: whole(
    'message',
    ...['type', 'toolCallId', 'toolName', 'input', 'providerExecuted', 'providerOptions'],
  ),
  LanguageModelV4ToolResultPart: whole('message', 'type', 'toolCallId', 'toolName', 'output', 'providerOptions'),
  LanguageModelV4ToolResultOutput: whole('message', 'type', 'value', 'providerOptions', 'reason'),
  LanguageModelV4FunctionTool: {
    ...whole('tool', 'type', 'name', 'description', 'inputSchema', 'inputExamples', 'strict'),
    providerOptions: 'tool, whole; its cache marks as marks of the step',
  },
  LanguageModelV4ProviderTool: whole('tool', 'type', 'id', 'name', 'args'),
  LanguageModelV4ToolChoice: whole('options', 'type', 'toolName'),
  SharedV4Warning: whole('metadata', 'type', 'feature', 'details', 'setting', 'message'),
  EmbeddingModelV4CallOptions: { values: 'request', dimensions: 'request', ...ofEveryCall },
  EmbeddingModelV4Result: {
    embeddings: 'response, as number and size: vectors are derived, large, and nobody reads them',
    usage: 'usage',
    'usage.tokens': 'usage',
    ...ofEveryResult,
    'response.headers': 'attempt',
    'response.body': 'attempt',
  },
  RerankingModelV4CallOptions: {
    documents: 'request',
    'documents.type': 'request',
    'documents.values': 'request',
    query: 'request',
    topN: 'request',
    ...ofEveryCall,
  },
  RerankingModelV4Result: { ranking: 'response', ...ofEveryResult, 'response.id': 'providerResponseId', ...ofResponse },
  ImageModelV4CallOptions: {
    ...whole('request', 'prompt', 'n', 'size', 'aspectRatio', 'seed', 'files', 'mask'),
    'mask.type': 'request, whole',
    'mask.mediaType': 'request, whole',
    'mask.data': 'request, bytes as digest and size',
    'mask.providerOptions': 'request, whole',
    'mask.url': 'request, whole',
    ...ofEveryCall,
  },
  ImageModelV4Result: {
    images: 'response, as digest and size',
    isRetryable: '- a hint for the SDK’s own retries; tries are attempts',
    usage: 'usage',
    ...ofEveryResult,
    'response.timestamp': ofResponse['response.timestamp'],
    'response.modelId': ofResponse['response.modelId'],
    'response.headers': ofResponse['response.headers'],
  },
  SpeechModelV4CallOptions: {
    ...whole('request', 'text', 'voice', 'outputFormat', 'instructions', 'speed', 'language'),
    ...ofEveryCall,
  },
  SpeechModelV4Result: {
    audio: 'response, as digest and size',
    usage: 'usageRaw: characters and seconds are no tokens',
    request: 'attempt',
    'request.body': 'attempt',
    ...ofEveryResult,
    ...ofResponse,
  },
  TranscriptionModelV4CallOptions: {
    audio: 'request, as digest and size',
    mediaType: 'request, whole',
    timestampGranularities: 'request, whole',
    ...ofEveryCall,
  },
  TranscriptionModelV4Result: {
    ...whole('response', 'text', 'segments', 'words', 'language', 'durationInSeconds'),
    usage: 'usageRaw: seconds are no tokens',
    request: 'attempt',
    'request.body': 'attempt',
    ...ofEveryResult,
    ...ofResponse,
  },
};

const partFates: Readonly<Record<string, string>> = {
  'text-start': 'response',
  'text-delta': 'response',
  'text-end': 'response',
  'reasoning-start': 'response',
  'reasoning-delta': 'response',
  'reasoning-end': 'response',
  'tool-input-start': 'response until the final call',
  'tool-input-delta': 'response until the final call',
  'tool-input-end': 'response until the final call',
  'tool-approval-request': 'response',
  'tool-call': 'response',
  'tool-result': 'response',
  custom: 'response',
  file: 'response',
  'reasoning-file': 'response',
  source: 'response',
  'stream-start': 'metadata',
  'response-metadata': 'model, providerResponseId',
  finish: 'finishReason, usage, metadata',
  ping: '- keeps a connection alive and says nothing',
  raw: '- the wire’s own bytes, which an HTTP attempt records',
  error: 'error',
};

describe('the types of the provider layer', () => {
  test.each(Object.keys(fates))('every field of %s is mapped or left out for a reason', (name) => {
    expect(types.fieldsOf(name)).toEqual(Object.keys(fates[name]!).toSorted());
  });

  test('every kind of stream part is mapped or left out for a reason', () => {
    expect(types.partTypesOf('LanguageModelV4StreamPart')).toEqual(Object.keys(partFates).toSorted());
  });

  test('every kind of content is one that streams bring as well', () => {
    const known = new Set(Object.keys(partFates));
    expect(types.partTypesOf('LanguageModelV4Content').filter((type) => !known.has(type))).toEqual([
      'reasoning',
      'text',
    ]);
  });
});

describe('earlier versions of the provider layer', () => {
  /** What they have and the present one has not, with what becomes of it. */
  const onlyInTwo: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    LanguageModelV2Usage: {
      inputTokens: 'usage',
      outputTokens: 'usage',
      totalTokens: '- the sum of the two',
      reasoningTokens: 'usage',
      cachedInputTokens: 'usage',
    },
  };
  const versions = [
    ['V3', readSdkTypes('ai-v6', 'node_modules/@ai-sdk/provider/src'), {}],
    ['V2', readSdkTypes('ai-v5', 'node_modules/@ai-sdk/provider/dist'), onlyInTwo],
  ] as const;
  const names = ['CallOptions', 'StreamPart', 'Usage', 'Message', 'FunctionTool', 'ToolChoice'];
  const cases = versions.flatMap(([version, found, only]) =>
    names.map((name) => [version, name, found, only] as const),
  );

  test.each(cases)(
    'every field of LanguageModel%s%s is one the present version has, or named',
    (version, name, found, only) => {
      const own: Readonly<Record<string, Readonly<Record<string, string>>>> = only;
      const known = new Set([
        ...Object.keys(fates[`LanguageModelV4${name}`]!),
        ...Object.keys(own[`LanguageModel${version}${name}`] ?? {}),
      ]);
      const fields = found.fieldsOf(`LanguageModel${version}${name}`);
      expect(fields.length).toBeGreaterThan(0);
      expect(fields.filter((field) => !known.has(field))).toEqual([]);
    },
  );

  test.each(versions)('every kind of stream part of %s is one the present version has', (version, found) => {
    const known = new Set(Object.keys(partFates));
    expect(found.partTypesOf(`LanguageModel${version}StreamPart`).filter((type) => !known.has(type))).toEqual([]);
  });
});
