import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../../../core/model/usage.ts';
import { corpusFolder, hasCorpus, listCorpus } from '../../../../test/playback/corpus.ts';
import { createAnswerReader } from '../body/answer-reader.ts';
import type { Fields } from './fields.ts';
import { parseJson, toFields } from './fields.ts';
import type { Answer } from './format.ts';
import { recogniseResponse } from './recognise.ts';

// What providers publish of their counts, as sums over the fields of their usage objects, and every recorded answer
// held against it. ' + ' adds what was reported, ' - ' takes off what must be known, ' -? ' what may be.

type Bucket =
  | 'total'
  | 'noCache'
  | 'cacheRead'
  | 'cacheWrite'
  | 'fiveMinutes'
  | 'oneHour'
  | 'output'
  | 'text'
  | 'reasoning';
type Rules = Readonly<Partial<Record<Bucket, string>>> & { readonly sum?: string };

const completion: Rules = {
  total: 'prompt_tokens',
  noCache: 'prompt_tokens - prompt_tokens_details.cached_tokens',
  cacheRead: 'prompt_tokens_details.cached_tokens',
  output: 'completion_tokens',
  reasoning: 'completion_tokens_details.reasoning_tokens',
  text: 'completion_tokens - completion_tokens_details.reasoning_tokens -? completion_tokens_details.audio_tokens',
  sum: 'total_tokens',
};

const rulesByDialect: Readonly<Record<string, Rules>> = {
  // Cache reads and writes are counted beside the input; thinking inside the output. Compaction stands beside the sums.
  anthropic: {
    total:
      'input_tokens + cache_read_input_tokens + cache_creation_input_tokens + compaction.input_tokens + compaction.cache_read_input_tokens + compaction.cache_creation_input_tokens',
    noCache: 'input_tokens + compaction.input_tokens',
    cacheRead: 'cache_read_input_tokens + compaction.cache_read_input_tokens',
    cacheWrite: 'cache_creation_input_tokens + compaction.cache_creation_input_tokens',
    fiveMinutes: 'cache_creation.ephemeral_5m_input_tokens + compaction.cache_creation.ephemeral_5m_input_tokens',
    oneHour: 'cache_creation.ephemeral_1h_input_tokens + compaction.cache_creation.ephemeral_1h_input_tokens',
    output: 'output_tokens + compaction.output_tokens',
    reasoning: 'output_tokens_details.thinking_tokens',
    text: 'output_tokens - output_tokens_details.thinking_tokens',
  },
  // The cache inside the input, reasoning inside the output.
  responses: {
    total: 'input_tokens',
    noCache: 'input_tokens - input_tokens_details.cached_tokens -? input_tokens_details.cache_write_tokens',
    cacheRead: 'input_tokens_details.cached_tokens',
    cacheWrite: 'input_tokens_details.cache_write_tokens',
    output: 'output_tokens',
    reasoning: 'output_tokens_details.reasoning_tokens',
    text: 'output_tokens - output_tokens_details.reasoning_tokens',
    sum: 'total_tokens',
  },
  completion,
  deepseek: { ...completion, noCache: 'prompt_cache_miss_tokens', cacheRead: 'prompt_cache_hit_tokens' },
  // xAI counts reasoning beside the completion.
  xai: {
    ...completion,
    output: 'completion_tokens + completion_tokens_details.reasoning_tokens',
    text: 'completion_tokens -? completion_tokens_details.audio_tokens',
  },
  // Thoughts beside the candidates.
  google: {
    total: 'promptTokenCount + toolUsePromptTokenCount',
    noCache: 'promptTokenCount - cachedContentTokenCount + toolUsePromptTokenCount',
    cacheRead: 'cachedContentTokenCount',
    output: 'candidatesTokenCount + thoughtsTokenCount',
    reasoning: 'thoughtsTokenCount',
    text: 'candidatesTokenCount',
    sum: 'totalTokenCount',
  },
  interactions: {
    total: 'total_input_tokens + total_tool_use_tokens',
    noCache: 'total_input_tokens - total_cached_tokens + total_tool_use_tokens',
    cacheRead: 'total_cached_tokens',
    output: 'total_output_tokens + total_thought_tokens',
    reasoning: 'total_thought_tokens',
    text: 'total_output_tokens',
    sum: 'total_tokens',
  },
  embedding: { total: 'prompt_tokens' },
  transcription: { total: 'prompt_tokens', output: 'completion_tokens', sum: 'total_tokens' },
};

function dialectOf(name: string): string | null {
  if (/error|skill|realtime/.test(name)) return null;
  if (name.startsWith('anthropic/')) return 'anthropic';
  if (name.startsWith('google/')) return name.includes('/interactions/') ? 'interactions' : 'google';
  if (name.includes('/responses/')) return 'responses';
  if (name.includes('transcription')) return 'transcription';
  if (name.includes('embedding')) return 'embedding';
  if (name.includes('/image/')) return null;
  if (name.includes('xai')) return 'xai';
  return name.startsWith('deepseek/') ? 'deepseek' : 'completion';
}

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => toFields(inner)?.[key] ?? null, value);

function evaluate(rule: string | undefined, usage: Fields): number | null {
  if (rule === undefined) return null;
  const [first = '', ...others] = rule.split(/ (?=[+-])/);
  let sum = at(usage, first) as number | null;
  for (const term of others) {
    const [sign = '', path = ''] = term.split(' ');
    const value = at(usage, path) as number | null;
    if (sum === null || (sign === '-' && value === null)) return null;
    sum += (sign === '+' ? 1 : -1) * (value ?? 0);
  }
  return sum;
}

/** The usage that an answer ended with, by the simplest road: all that were told, later ones over earlier ones. */
function lastUsage(events: readonly Fields[]): Fields | null {
  const told = events.flatMap((event) => {
    const usages = [
      at(event, 'message.usage'),
      at(event, 'response.usage'),
      at(event, 'interaction.usage'),
      at(event, 'x_groq.usage'),
      event['usage'] ?? null,
      event['usageMetadata'] ?? null,
    ];
    return usages.map(toFields).filter((usage) => usage !== null);
  });
  if (told.length === 0) return null;
  const known = told.map((usage) => Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null)));
  const isGrowing = at(events[0], 'message.usage') !== null || 'candidates' in events[0]!;
  return isGrowing ? Object.assign({}, ...known) : told.at(-1)!;
}

/** Rounds of compaction summed under one name. */
function withCompaction(usage: Fields): Fields {
  const rounds = (usage['iterations'] as Fields[] | undefined)?.filter(({ type }) => type === 'compaction') ?? [];
  const add = (a: unknown, b: unknown): unknown => {
    if (typeof b === 'number') return ((a as number | undefined) ?? 0) + b;
    const fields = toFields(b);
    if (fields === null) return a;
    return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, add(toFields(a)?.[key], value)]));
  };
  return rounds.length === 0 ? usage : { ...usage, compaction: rounds.reduce<unknown>(add, {}) };
}

function expectedOf(rules: Rules, raw: Fields): Usage {
  const usage = withCompaction(raw);
  const of = (bucket: Bucket): number | null => evaluate(rules[bucket], usage);
  return {
    input: {
      total: of('total'),
      noCache: of('noCache'),
      cacheRead: of('cacheRead'),
      cacheWrite: of('cacheWrite'),
      cacheWriteFiveMinutes: of('fiveMinutes'),
      cacheWriteOneHour: of('oneHour'),
    },
    output: { total: of('output'), text: of('text'), reasoning: of('reasoning') },
    requests: 1,
  };
}

interface Recorded {
  readonly name: string;
  readonly dialect: string;
  readonly events: readonly Fields[];
}

function readRecorded(name: string, dialect: string): Recorded[] {
  const text = readFileSync(join(corpusFolder, name), 'utf8');
  if (name.endsWith('.json')) return [{ name, dialect, events: [JSON.parse(text) as Fields] }];
  const answers: Fields[][] = [];
  for (const line of text.split('\n')) {
    const event = toFields(parseJson(line));
    if (event === null) continue;
    const isStart = event['type'] === 'message_start' || event['type'] === 'response.created';
    if (isStart || answers.length === 0) answers.push([]);
    answers.at(-1)!.push(event);
  }
  return answers.map((events, index) => ({ name: `${name} #${index}`, dialect, events }));
}

function readAnswer({ name, events }: Recorded): Answer {
  if (name.endsWith('.json')) return recogniseResponse(events[0]!)!.foldResponse(events[0]!);
  const reader = createAnswerReader({ kind: 'event-stream', format: null, isRead: true, nowMs: () => 0 });
  for (const event of events) reader.chunk(Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  reader.end();
  return reader.answer()!;
}

const recorded = (hasCorpus ? listCorpus() : []).flatMap((name) => {
  const dialect = dialectOf(name);
  return dialect === null ? [] : readRecorded(name, dialect).filter(({ events }) => lastUsage(events) !== null);
});

describe.skipIf(!hasCorpus)('usage of recorded answers by the rules of their providers', () => {
  test('there are many, of every dialect', () => {
    expect(recorded.length).toBeGreaterThan(90);
    expect(new Set(recorded.map(({ dialect }) => dialect))).toEqual(new Set(Object.keys(rulesByDialect)));
  });

  test.each(recorded)('$name', (one) => {
    const raw = lastUsage(one.events)!;
    const answer = readAnswer(one);
    const isTimed = raw['type'] === 'duration';
    expect(answer.usage).toEqual(expectedOf(isTimed ? {} : rulesByDialect[one.dialect]!, raw));
    expect(answer.usageRaw).toEqual(raw);
    const sum = evaluate(rulesByDialect[one.dialect]!.sum, raw);
    if (sum !== null) expect(answer.usage!.input.total! + answer.usage!.output.total!).toBe(sum);
  });
});

describe('usage that no recorded answer has', () => {
  const chat = (usage: object): object => ({ object: 'chat.completion', model: 'm', choices: [], usage });
  const responses = (usage: object): object => ({ object: 'response', status: 'completed', output: [], usage });

  test.each<[string, object, readonly (number | null)[], readonly (number | null)[]]>([
    [
      'Anthropic: both cache lifetimes, and thinking',
      {
        type: 'message',
        content: [],
        usage: {
          input_tokens: 10,
          cache_read_input_tokens: 2000,
          cache_creation_input_tokens: 700,
          cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 200 },
          output_tokens: 90,
          output_tokens_details: { thinking_tokens: 60 },
        },
      },
      [2710, 10, 2000, 700, 500, 200],
      [90, 30, 60],
    ],
    [
      'OpenAI chat: cached prompt, sound in and out',
      chat({
        prompt_tokens: 300,
        completion_tokens: 100,
        total_tokens: 400,
        prompt_tokens_details: { cached_tokens: 128, audio_tokens: 20 },
        completion_tokens_details: { reasoning_tokens: 40, audio_tokens: 25 },
      }),
      [300, 172, 128, null, null, null],
      [100, 35, 40],
    ],
    [
      'OpenAI responses: read and written cache',
      responses({
        input_tokens: 5000,
        input_tokens_details: { cached_tokens: 4000, cache_write_tokens: 600 },
        output_tokens: 50,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 5050,
      }),
      [5000, 400, 4000, 600, null, null],
      [50, 50, 0],
    ],
    [
      'compatible ones that tell a lifetime',
      chat({
        prompt_tokens: 1000,
        completion_tokens: 5,
        prompt_tokens_details: {
          cached_tokens: 0,
          cache_creation_input_tokens: 900,
          cache_creation: { ephemeral_5m_input_tokens: 900 },
        },
      }),
      [1000, 100, 0, 900, 900, null],
      [5, null, null],
    ],
    [
      'Moonshot',
      chat({ prompt_tokens: 9, completion_tokens: 1, cached_tokens: 4 }),
      [9, 5, 4, null, null, null],
      [1, null, null],
    ],
    [
      'Mistral',
      chat({ prompt_tokens: 9, completion_tokens: 1, num_cached_tokens: 4 }),
      [9, 5, 4, null, null, null],
      [1, null, null],
    ],
    [
      'Google: cache, tools, thoughts, and a picture among the candidates',
      {
        candidates: [],
        usageMetadata: {
          promptTokenCount: 100,
          cachedContentTokenCount: 60,
          toolUsePromptTokenCount: 7,
          candidatesTokenCount: 1300,
          candidatesTokensDetails: [
            { modality: 'TEXT', tokenCount: 10 },
            { modality: 'IMAGE', tokenCount: 1290 },
          ],
          thoughtsTokenCount: 20,
        },
      },
      [107, 47, 60, null, null, null],
      [1320, 10, 20],
    ],
    [
      'a picture',
      {
        created: 1,
        data: [{ b64_json: 'AA==' }],
        usage: {
          input_tokens: 50,
          output_tokens: 4160,
          total_tokens: 4210,
          input_tokens_details: { text_tokens: 10, image_tokens: 40 },
        },
      },
      [50, null, null, null, null, null],
      [4160, null, null],
    ],
    [
      'a transcript paid by the token',
      {
        text: 'hello',
        usage: {
          type: 'tokens',
          input_tokens: 14,
          input_token_details: { text_tokens: 0, audio_tokens: 14 },
          output_tokens: 45,
          total_tokens: 59,
        },
      },
      [14, null, null, null, null, null],
      [45, null, null],
    ],
    ['nothing reported', chat({}), [null, null, null, null, null, null], [null, null, null]],
    [
      'nonsense reported',
      chat({ prompt_tokens: 'many', completion_tokens: NaN }),
      [null, null, null, null, null, null],
      [null, null, null],
    ],
  ])('%s', (_name, body, input, output) => {
    const answer = recogniseResponse(body as Fields)!.foldResponse(body as Fields);
    const usage = answer.usage!;
    const { total, noCache, cacheRead, cacheWrite, cacheWriteFiveMinutes, cacheWriteOneHour } = usage.input;
    expect([total, noCache, cacheRead, cacheWrite, cacheWriteFiveMinutes, cacheWriteOneHour]).toEqual(input);
    expect([usage.output.total, usage.output.text, usage.output.reasoning]).toEqual(output);
    expect(answer.usageRaw).toEqual((body as Fields)['usage'] ?? (body as Fields)['usageMetadata']);
  });
});
