import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { tachographTelemetry } from './index.ts';

/*
 * The SDK's own type sources, read field by field. A field it gains is in neither list below and breaks this test
 * until it is mapped or named with a reason.
 */

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

const providerFolder = join(
  dirname(fileURLToPath(import.meta.resolve('@ai-sdk/provider/package.json'))),
  'src/language-model/v4',
);
const telemetryFile = join(
  dirname(fileURLToPath(import.meta.resolve('ai/package.json'))),
  'src/telemetry/telemetry.ts',
);

/** Type aliases and interfaces of a source text by name. */
function typesOf(path: string): Map<string, Node> {
  const { program, errors } = parseSync(path, readFileSync(path, 'utf8'));
  expect(errors).toEqual([]);
  const types = new Map<string, Node>();
  for (const statement of program.body as unknown as Node[]) {
    const declared =
      statement.type === 'ExportNamedDeclaration' ? (statement['declaration'] as Node | null) : statement;
    if (declared?.type === 'TSTypeAliasDeclaration')
      types.set((declared['id'] as { name: string }).name, declared['typeAnnotation'] as Node);
    if (declared?.type === 'TSInterfaceDeclaration')
      types.set((declared['id'] as { name: string }).name, declared['body'] as Node);
  }
  return types;
}

const sdkTypes = new Map(readdirSync(providerFolder).flatMap((file) => [...typesOf(join(providerFolder, file))]));

function keyOf(member: Node): string {
  const key = member['key'] as { name?: string; value?: string };
  return key.name ?? key.value ?? '?';
}

/** The members of a type: of every variant of a union, of every side of an intersection. */
function membersOf(node: Node): Node[] {
  switch (node.type) {
    case 'TSTypeLiteral':
      return node['members'] as Node[];
    case 'TSInterfaceBody':
      return node['body'] as Node[];
    case 'TSUnionType':
    case 'TSIntersectionType':
      return (node['types'] as Node[]).flatMap(membersOf);
    case 'TSParenthesizedType':
      return membersOf(node['typeAnnotation'] as Node);
    case 'TSTypeReference':
      return membersOf(sdkTypes.get((node['typeName'] as { name: string }).name) ?? { type: 'unknown' });
    default:
      return [];
  }
}

/** `field`, and `field.inner` where a field is an object written out in place. */
function fieldsOf(name: string): string[] {
  const node = sdkTypes.get(name);
  if (node === undefined) throw new Error(`the SDK has no type ${name} any more`);
  const fields = membersOf(node).flatMap((member) => {
    const type = (member['typeAnnotation'] as { typeAnnotation?: Node } | undefined)?.typeAnnotation;
    const inner = type === undefined || type.type === 'TSTypeReference' ? [] : membersOf(type);
    return [keyOf(member), ...inner.map((item) => `${keyOf(member)}.${keyOf(item)}`)];
  });
  return [...new Set(fields)].toSorted();
}

/** The values of `type` in a union of parts. */
function partTypesOf(name: string): string[] {
  const literals = membersOf(sdkTypes.get(name)!)
    .filter((member) => keyOf(member) === 'type')
    .map(
      (member) =>
        ((member['typeAnnotation'] as { typeAnnotation: Node }).typeAnnotation['literal'] as { value: string }).value,
    );
  return [...new Set(literals)].toSorted();
}

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
    providerOptions: 'options',
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

/** Members of the telemetry interface that are not implemented, with the reason. */
const unusedHooks: Readonly<Record<string, string>> = {
  experimental_durable:
    'a tracing identity across processes; without it the SDK reports the run afterwards, which is recorded so',
  onLanguageModelCallEnd: 'says again what executeLanguageModelCall brought',
  experimental_onEvaluateStart: 'old name of onDecideStart',
  experimental_onEvaluationModelCallStart: 'old name of onDecisionModelCallStart',
  experimental_onEvaluationModelCallEnd: 'old name of onDecisionModelCallEnd',
  experimental_onEvaluateEnd: 'old name of onDecideEnd',
};

describe('the SDK’s types', () => {
  test.each(Object.keys(fates))('every field of %s is mapped or left out for a reason', (name) => {
    expect(fieldsOf(name)).toEqual(Object.keys(fates[name]!).toSorted());
  });

  test('every kind of stream part is mapped or left out for a reason', () => {
    expect(partTypesOf('LanguageModelV4StreamPart')).toEqual(Object.keys(partFates).toSorted());
  });

  test('every kind of content is one that streams bring as well', () => {
    const known = new Set(Object.keys(partFates));
    expect(partTypesOf('LanguageModelV4Content').filter((type) => !known.has(type))).toEqual(['reasoning', 'text']);
  });

  test('every hook of the telemetry interface is implemented or left out for a reason', () => {
    const hooks = membersOf(typesOf(telemetryFile).get('Telemetry')!).map(keyOf).toSorted();
    const implemented = Object.keys(tachographTelemetry(createRecording().recorder));
    expect(hooks).toEqual([...implemented, ...Object.keys(unusedHooks)].toSorted());
  });
});
