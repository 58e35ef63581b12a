import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAnswerReader } from '../body/answer-reader.ts';
import type { Fields } from './fields.ts';
import { parseJson, toFields } from './fields.ts';
import type { Answer } from './format.ts';
import { recogniseResponse } from './recognise.ts';

const root = join(import.meta.dirname, '../../../../../shared/corpus/provider-responses');
const isThere = existsSync(root);

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

/** Answers that are not a model's answer in text: errors, files, media, sessions. */
const isOther = (name: string): boolean => /error|429|\/skills\/|\/image\/|transcription|speech-translation/.test(name);

const all = isThere ? filesOf(root).map((path) => ({ path, name: relative(root, path) })) : [];
const whole = all.filter(({ name }) => name.endsWith('.json') && !isOther(name));
const isBroken = (name: string): boolean => name.includes('parallel-tool-call-wrapper');
const streams = all.filter(({ name }) => name.endsWith('.chunks.txt') && !isOther(name) && !isBroken(name));
const broken = all.filter(({ name }) => isBroken(name));

const readJson = (path: string): Fields => JSON.parse(readFileSync(path, 'utf8')) as Fields;

/** Pretty-printed or one per line: the events of a stream file. A new start begins a new answer. */
function readStreams(path: string): Fields[][] {
  const answers: Fields[][] = [[]];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.trim() === '') continue;
    const event = parseJson(line) as Fields | undefined;
    // One file holds lines that are no JSON, as a broken connection would bring them.
    if (event === undefined) continue;
    const isStart = event['type'] === 'message_start' || event['type'] === 'response.created';
    if (isStart && answers.at(-1)!.length > 0) answers.push([]);
    answers.at(-1)!.push(event);
  }
  return answers;
}

/** As the wire carries it, in pieces of `size` bytes. */
function readSse(events: readonly Fields[], size: number): Answer | null {
  const reader = createAnswerReader({ kind: 'event-stream', format: null, isRead: true, nowMs: () => 0 });
  const bytes = Buffer.from(
    events.map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`).join('') + 'data: [DONE]\n\n',
  );
  for (let at = 0; at < bytes.length; at += size) reader.chunk(bytes.subarray(at, at + size));
  reader.end();
  return reader.answer();
}

const pick = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => toFields(at)?.[key] ?? null, value);

/** Every value under a key, however deep. */
function deep(value: unknown, key: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => deep(item, key));
  const fields = toFields(value);
  if (fields === null) return [];
  return Object.entries(fields).flatMap(([name, item]) => [...(name === key ? [item] : []), ...deep(item, key)]);
}

const textOf = (answer: Answer, type: 'text' | 'reasoning'): string =>
  answer.parts
    .map((part) => toFields(part)!)
    .filter((part) => part['type'] === type)
    .map((part) => part['text'])
    .join('');
const callsOf = (answer: Answer): Fields[] =>
  answer.parts.map((part) => toFields(part)!).filter((part) => part['type'] === 'tool-call');

/** Output tokens by another road than the folds take: what the provider's own total leaves after the input. */
function expectedOutput(usage: Fields): number | null {
  const total = (usage['total_tokens'] ?? usage['totalTokenCount']) as number | undefined;
  const input = (usage['prompt_tokens'] ??
    usage['input_tokens'] ??
    usage['promptTokenCount'] ??
    usage['total_input_tokens']) as number;
  if (usage['total_tool_use_tokens'] !== undefined) return null;
  return total === undefined ? null : total - input;
}

describe.skipIf(!isThere)('whole answers of the corpus', () => {
  test('there are some', () => expect(whole.length).toBeGreaterThan(30));

  test.each(whole)('$name', ({ path }) => {
    const body = readJson(path);
    const format = recogniseResponse(body);
    expect(format).not.toBeNull();
    const answer = format!.foldResponse(body);
    expect(answer.error).toBeNull();
    expect(answer.isFinished).toBe(true);
    expect(answer.model).toBe(body['model'] ?? body['modelVersion']);
    expect(answer.responseId).toBe(body['id'] ?? body['responseId'] ?? null);
    const usage = (body['usage'] ?? body['usageMetadata']) as Fields | undefined;
    if (usage === undefined) return expect(answer.usage).toBeNull();
    expect(answer.usageRaw).toEqual(usage);
    const output = expectedOutput(usage);
    if (output !== null && format!.name !== 'openai-embeddings') expect(answer.usage!.output.total).toBe(output);
    expect(answer.parts.length > 0 || answer.finishReason?.unified === 'content-filter').toBe(true);
  });

  test.each(whole.filter(({ name }) => name.startsWith('anthropic')))('$name: text, calls and cache', ({ path }) => {
    const body = readJson(path);
    const answer = recogniseResponse(body)!.foldResponse(body);
    const content = body['content'] as Fields[];
    expect(textOf(answer, 'text')).toBe(
      content
        .filter((block) => block['type'] === 'text')
        .map((block) => block['text'])
        .join(''),
    );
    const calls = content.filter((block) => String(block['type']).endsWith('tool_use'));
    expect(callsOf(answer).map((call) => [call['toolCallId'], call['toolName'], call['input']])).toEqual(
      calls.map((call) => [call['id'], call['name'], call['input']]),
    );
    expect(answer.finishReason!.raw).toBe(body['stop_reason']);
    expect(answer.usage!.input.cacheRead).toBe(pick(body, 'usage.cache_read_input_tokens'));
    expect(answer.usage!.input.cacheWriteFiveMinutes).toBe(
      pick(body, 'usage.cache_creation.ephemeral_5m_input_tokens'),
    );
  });

  test.each(whole.filter(({ path }) => (readJson(path)['object'] as string) === 'chat.completion'))(
    '$name: text, calls and reasoning',
    ({ path }) => {
      const body = readJson(path);
      const answer = recogniseResponse(body)!.foldResponse(body);
      const message = (body['choices'] as Fields[])[0]!['message'] as Fields;
      const content =
        typeof message['content'] === 'string'
          ? message['content']
          : ((deep(message['content'], 'text') as string[]).at(-1) ?? '');
      expect(textOf(answer, 'text')).toBe(content);
      expect(callsOf(answer).map((call) => [call['toolCallId'], call['input']])).toEqual(
        ((message['tool_calls'] ?? []) as Fields[]).map((call) => [call['id'], pick(call, 'function.arguments')]),
      );
      expect(answer.usage!.output.reasoning).toBe(pick(body, 'usage.completion_tokens_details.reasoning_tokens'));
      expect(answer.usage!.input.cacheRead).toBe(pick(body, 'usage.prompt_tokens_details.cached_tokens'));
      expect(answer.finishReason!.raw).toBe((body['choices'] as Fields[])[0]!['finish_reason']);
    },
  );

  test.each(whole.filter(({ path }) => readJson(path)['object'] === 'response'))(
    '$name: text and calls',
    ({ path }) => {
      const body = readJson(path);
      const answer = recogniseResponse(body)!.foldResponse(body);
      const items = body['output'] as Fields[];
      const said = items
        .filter((item) => item['type'] === 'message')
        .flatMap((item) => (item['content'] as Fields[]).map((piece) => piece['text'] ?? ''));
      expect(textOf(answer, 'text')).toBe(said.join(''));
      const called = items.filter((item) => item['type'] === 'function_call' || item['type'] === 'custom_tool_call');
      const named = callsOf(answer).filter((call) => called.some((item) => item['call_id'] === call['toolCallId']));
      expect(named.map((call) => [call['toolName'], call['input']])).toEqual(
        called.map((item) => [item['name'], item['arguments'] ?? item['input']]),
      );
      expect(answer.usage!.output.reasoning).toBe(pick(body, 'usage.output_tokens_details.reasoning_tokens'));
      expect(answer.usage!.input.cacheRead).toBe(pick(body, 'usage.input_tokens_details.cached_tokens'));
    },
  );
});

/** Text and call inputs of a stream by the simplest road: every delta joined. */
function joined(events: readonly Fields[], isText: (event: Fields) => unknown): string {
  return events
    .map((event) => isText(event))
    .filter((text) => typeof text === 'string')
    .join('');
}

const chatText = (event: Fields): unknown => pick((event['choices'] as Fields[] | undefined)?.[0], 'delta.content');
const chatThought = (event: Fields): unknown =>
  pick((event['choices'] as Fields[] | undefined)?.[0], 'delta.reasoning_content') ??
  pick((event['choices'] as Fields[] | undefined)?.[0], 'delta.reasoning');
const isType = (event: Fields, ...types: string[]): boolean => types.includes(String(event['type']));

describe.skipIf(!isThere)('streamed answers of the corpus', () => {
  const answers = streams.flatMap(({ path, name }) =>
    readStreams(path).map((events, index) => ({ name: `${name} #${index}`, events })),
  );

  test('there are some', () => expect(streams.length).toBeGreaterThan(50));

  test.each(answers)('$name', ({ events }) => {
    const answer = readSse(events, 1000)!;
    expect(answer).not.toBeNull();
    expect(answer.error).toBeNull();
    expect(answer.isFinished).toBe(true);
    expect(answer.finishReason).not.toBeNull();
    const models = events.flatMap((event) => [
      event['model'],
      event['modelVersion'],
      pick(event, 'message.model'),
      pick(event, 'response.model'),
      pick(event, 'interaction.model'),
    ]);
    expect(models.filter((model) => typeof model === 'string' && model !== '')).toContain(answer.model);
    const last = events
      .map(
        (event) =>
          event['usage'] ??
          event['usageMetadata'] ??
          pick(event, 'message.usage') ??
          pick(event, 'response.usage') ??
          pick(event, 'interaction.usage'),
      )
      .filter((usage) => usage !== null)
      .at(-1) as Fields;
    const output = expectedOutput(last);
    if (output !== null) expect(answer.usage!.output.total).toBe(output);
    expect(readSse(events, 7)).toEqual(answer);
  });

  test.each(answers.filter(({ events }) => 'choices' in events[0]!))('$name: joined deltas', ({ events }) => {
    const answer = readSse(events, 4096)!;
    if (events.some((event) => Array.isArray(chatText(event)))) return expect(textOf(answer, 'text')).toBe('2 + 2 = 4');
    expect(textOf(answer, 'text')).toBe(joined(events, chatText));
    expect(textOf(answer, 'reasoning')).toBe(joined(events, chatThought));
    expect(
      callsOf(answer)
        .map((call) => call['input'])
        .join(''),
    ).toBe((deep(events, 'arguments') as string[]).join(''));
  });

  test.each(answers.filter(({ events }) => isType(events[0]!, 'message_start')))(
    '$name: joined deltas',
    ({ events }) => {
      const answer = readSse(events, 4096)!;
      const starts = events.filter((event) => isType(event, 'content_block_start'));
      const begun = starts.map((event) => pick(event, 'content_block.text') ?? '').join('');
      const deltas = events.filter(
        (event) => pick(event, 'delta.type') === 'text_delta' || pick(event, 'delta.type') === 'compaction_delta',
      );
      expect(textOf(answer, 'text')).toBe(
        begun + joined(deltas, (event) => pick(event, 'delta.text') ?? pick(event, 'delta.content')),
      );
      expect(textOf(answer, 'reasoning')).toBe(joined(events, (event) => pick(event, 'delta.thinking')));
      const inputs = callsOf(answer).map((call) =>
        typeof call['input'] === 'string' ? call['input'] : JSON.stringify(call['input']),
      );
      for (const input of inputs) expect(() => JSON.parse(input) as unknown).not.toThrow();
      expect(inputs.length).toBe(
        starts.filter((event) => String(pick(event, 'content_block.type')).endsWith('tool_use')).length +
          events
            .filter((event) => isType(event, 'message_start'))
            .flatMap((event) =>
              ((pick(event, 'message.content') ?? []) as Fields[]).filter((block) =>
                String(block['type']).endsWith('tool_use'),
              ),
            ).length,
      );
      expect(answer.finishReason!.raw).toBe(
        events
          .map((event) => pick(event, 'delta.stop_reason') ?? pick(event, 'message.stop_reason'))
          .filter((word) => word !== null)
          .at(-1),
      );
    },
  );

  test.each(answers.filter(({ events }) => isType(events[0]!, 'response.created')))(
    '$name: joined deltas',
    ({ events }) => {
      const answer = readSse(events, 4096)!;
      expect(textOf(answer, 'text')).toBe(
        joined(events, (event) => (isType(event, 'response.output_text.done') ? event['text'] : null)),
      );
      const done = events
        .filter((event) => isType(event, 'response.output_item.done'))
        .map((event) => event['item'] as Fields);
      expect(callsOf(answer).length).toBe(done.filter((item) => String(item['type']).endsWith('_call')).length);
    },
  );

  test.each(answers.filter(({ events }) => 'candidates' in events[0]!))('$name: text and calls', ({ events }) => {
    const answer = readSse(events, 4096)!;
    const parts = deep(events, 'parts').flat() as Fields[];
    expect(textOf(answer, 'text')).toBe(
      joined(
        parts.filter((part) => part['thought'] !== true),
        (part) => part['text'],
      ),
    );
    expect(callsOf(answer).map((call) => call['toolName'])).toEqual(
      parts.map((part) => pick(part, 'functionCall.name')).filter((name) => name !== null),
    );
    expect(answer.usage!.output.reasoning).toBe(deep(events, 'thoughtsTokenCount').at(-1) ?? null);
  });

  test.each(broken)('$name: without its first and last event it is an unfinished answer', ({ path }) => {
    const answer = readSse(readStreams(path)[0]!, 64)!;
    expect(answer.isFinished).toBe(false);
    expect(answer.usage).toBeNull();
    expect(callsOf(answer).map((call) => call['toolName'])).toEqual(['parallel']);
  });
});
