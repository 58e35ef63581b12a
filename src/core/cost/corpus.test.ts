import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAnswerReader } from '../../capture/fetch/body/answer-reader.ts';
import type { Answer } from '../../capture/fetch/formats/format.ts';
import { recogniseResponse } from '../../capture/fetch/formats/recognise.ts';
import { createPrices } from './prices.ts';
import { reportedCost } from './reported.ts';
import { shippedPrices } from './shipped.ts';

const root = join(import.meta.dirname, '../../../../shared/corpus/provider-responses');
const isThere = existsSync(root);
const prices = createPrices([shippedPrices()]);
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

/** The answers of a file, read as they come over the wire; a stream file may hold several. */
function answersOf(name: string): Answer[] {
  const text = readFileSync(join(root, name), 'utf8');
  if (name.endsWith('.json')) {
    const body = JSON.parse(text) as Record<string, unknown>;
    return [recogniseResponse(body)!.foldResponse(body)];
  }
  const streams: string[][] = [[]];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    if (/"type":\s*"(?:message_start|response\.created)"/.test(line) && streams.at(-1)!.length > 0) streams.push([]);
    streams.at(-1)!.push(`data: ${line}\n\n`);
  }
  return streams.map((events) => {
    const reader = createAnswerReader({ kind: 'event-stream', format: null, isRead: true, nowMs: () => 0 });
    reader.chunk(Buffer.from(`${events.join('')}data: [DONE]\n\n`));
    reader.end();
    return reader.answer()!;
  });
}

const costOf = (answer: Answer, provider: string, date: string) => {
  const { model, usage, usageRaw } = answer;
  return prices.estimate({ provider, model, timeMs: day(date), usage, usageRaw });
};

/** Input, of it cached; output, of it reasoning: as the file says, added up by hand. `null`: the file does not say. */
type Tokens = readonly [input: number, cached: number | null, output: number | null, reasoning: number | null];
/** File, tokens, nano-USD. A price of $3 for a million tokens is 3,000 nano-USD for one. */
type Row = readonly [file: string, tokens: Tokens, nanoUsd: number];

// Dollars for a million: Sonnet 3/15, Haiku 4.5 1/5, Opus 4.5 and 4.6 5/25, Opus 3 15/75, Fable 5 10/50; a search $0.01.
const anthropic: Row[] = [
  ['anthropic-advisor-stop-reasons.chunks.txt', [10, 0, 20, null], 10 * 3_000 + 20 * 15_000],
  ['anthropic-advisor-stop-reasons.json', [10, null, 20, null], 10 * 3_000 + 20 * 15_000],
  ['anthropic-clear-thinking.1.chunks.txt', [69, 0, 53, null], 69 * 3_000 + 53 * 15_000],
  ['anthropic-clear-tool-uses.1.chunks.txt', [859, 0, 122, null], 859 * 1_000 + 122 * 5_000],
  ['anthropic-code-execution-20250825.1.chunks.txt', [8_050, 0, 771, null], 8_050 * 3_000 + 771 * 15_000],
  ['anthropic-code-execution-20250825.2.chunks.txt', [15_696, 0, 2_479, null], 15_696 * 3_000 + 2_479 * 15_000],
  ['anthropic-code-execution-20250825.2.json', [12_546, 0, 1_359, null], 12_546 * 3_000 + 1_359 * 15_000],
  ['anthropic-combined-context-editing.1.chunks.txt', [50, 0, 485, null], 50 * 3_000 + 485 * 15_000],
  ['anthropic-combined-context-editing.1.json', [50, 0, 418, null], 50 * 3_000 + 418 * 15_000],
  // Two rounds of the same model: 60,385 + 612 in, 522 + 2,819 out.
  ['anthropic-compaction.1.chunks.txt', [60_997, 0, 3_341, null], 60_997 * 5_000 + 3_341 * 25_000],
  ['anthropic-json-other-tool.1.chunks.txt', [843, 0, 28, null], 843 * 1_000 + 28 * 5_000],
  ['anthropic-json-other-tool.1.json', [843, 0, 28, null], 843 * 1_000 + 28 * 5_000],
  ['anthropic-json-output-format.1.chunks.txt', [313, 0, 305, null], 313 * 3_000 + 305 * 15_000],
  ['anthropic-json-output-format.1.json', [371, 0, 629, null], 371 * 3_000 + 629 * 15_000],
  ['anthropic-json-tool.1.chunks.txt', [849, 0, 47, null], 849 * 1_000 + 47 * 5_000],
  ['anthropic-json-tool.1.json', [1_151, 0, 87, null], 1_151 * 1_000 + 87 * 5_000],
  ['anthropic-mcp.1.chunks.txt', [1_250, 0, 83, null], 1_250 * 3_000 + 83 * 15_000],
  ['anthropic-mcp.1.json', [1_250, 0, 88, null], 1_250 * 3_000 + 88 * 15_000],
  ['anthropic-memory-20250818.1.json', [1_614, 0, 69, null], 1_614 * 3_000 + 69 * 15_000],
  ['anthropic-message-delta-input-tokens.chunks.txt', [61, null, 2, null], 61 * 5_000 + 2 * 25_000],
  ['anthropic-refusal-no-details.json', [18, 0, 5, null], 18 * 10_000 + 5 * 50_000],
  ['anthropic-refusal.chunks.txt', [18, 0, 5, null], 18 * 10_000 + 5 * 50_000],
  ['anthropic-text.json', [12, 0, 29, null], 12 * 3_000 + 29 * 15_000],
  ['anthropic-tool-no-args.json', [602, 0, 93, null], 602 * 15_000 + 93 * 75_000],
  ['anthropic-tool-search-deferred-bm25.2.json', [1_398, 0, 213, null], 1_398 * 3_000 + 213 * 15_000],
  ['anthropic-tool-search-deferred-regex.2.json', [1_520, 0, 203, null], 1_520 * 3_000 + 203 * 15_000],
  ['anthropic-web-fetch-tool.1.chunks.txt', [4_230, 0, 446, null], 4_230 * 3_000 + 446 * 15_000],
  ['anthropic-web-search-tool.1.chunks.txt', [15_665, 0, 795, null], 15_665 * 3_000 + 795 * 15_000 + 10_000_000],
  ['anthropic-web-search-tool.1.json', [27_118, 0, 600, null], 27_118 * 3_000 + 600 * 15_000 + 20_000_000],
];

// 5-nano 0.05/0.005/0.40, 5-mini 0.25/0.025/2, 5 and 5.1 1.25/0.125/10, 5.2 1.75/0.175/14, 5.4 2.50/0.25/15.
const openai: Row[] = [
  ['openai/completion/openai-completion-text.json', [14, null, 16, null], 14 * 1_500 + 16 * 2_000],
  ['openai/embedding/openai-embedding.json', [12, null, null, null], 12 * 20],
  ['openai/responses/openai-apply-patch-tool.1.chunks.txt', [642, 0, 67, 0], 642 * 1_250 + 67 * 10_000],
  ['openai/responses/openai-client-tool-search.1.chunks.txt', [65, 0, 31, 0], 65 * 2_500 + 31 * 15_000],
  ['openai/responses/openai-client-tool-search.1.json', [65, 0, 28, 0], 65 * 2_500 + 28 * 15_000],
  [
    'openai/responses/openai-code-interpreter-tool.1.chunks.txt',
    [6_047, 2_944, 1_623, 1_408],
    3_103 * 50 + 2_944 * 5 + 1_623 * 400,
  ],
  ['openai/responses/openai-compaction.1.json', [51_097, 0, 2_056, 0], 51_097 * 1_750 + 2_056 * 14_000],
  ['openai/responses/openai-custom-tool.1.json', [50, 0, 20, 0], 50 * 1_750 + 20 * 14_000],
  [
    'openai/responses/openai-file-search-tool.1.chunks.txt',
    [3_737, 2_304, 621, 512],
    1_433 * 250 + 2_304 * 25 + 621 * 2_000,
  ],
  ['openai/responses/openai-file-search-tool.2.json', [3_678, 2_304, 536, 448], 1_374 * 250 + 2_304 * 25 + 536 * 2_000],
  ['openai/responses/openai-local-shell-tool.1.chunks.txt', [407, 0, 151, 128], 407 * 1_250 + 151 * 10_000],
  ['openai/responses/openai-mcp-tool-approval.1.chunks.txt', [422, 0, 48, 0], 422 * 250 + 48 * 2_000],
  ['openai/responses/openai-mcp-tool-approval.2.json', [592, 0, 421, 320], 592 * 250 + 421 * 2_000],
  ['openai/responses/openai-mcp-tool-approval.3.json', [587, 0, 104, 64], 587 * 250 + 104 * 2_000],
  ['openai/responses/openai-mcp-tool-approval.4.json', [765, 0, 74, 0], 765 * 250 + 74 * 2_000],
  ['openai/responses/openai-mcp-tool.1.chunks.txt', [11_791, 0, 963, 512], 11_791 * 250 + 963 * 2_000],
  ['openai/responses/openai-mcp-tool.1.json', [6_700, 0, 1_078, 704], 6_700 * 250 + 1_078 * 2_000],
  ['openai/responses/openai-shell-container-multiturn.1.json', [800, 0, 19, 0], 800 * 1_750 + 19 * 14_000],
  ['openai/responses/openai-shell-container.1.json', [200, 0, 120, 0], 200 * 1_750 + 120 * 14_000],
  [
    'openai/responses/openai-shell-skills.1.chunks.txt',
    [1_501, 1_024, 314, 100],
    477 * 1_750 + 1_024 * 175 + 314 * 14_000,
  ],
  ['openai/responses/openai-tool-search.1.chunks.txt', [640, 0, 46, 20], 640 * 2_500 + 46 * 15_000],
  ['open-responses/responses/openai-pdf-input-file.1.chunks.txt', [44, 0, 4, 0], 44 * 100 + 4 * 400],
];

// 3 and 3.1 Pro 2/12, 2.5 Flash 0.30/2.50; thoughts are counted beside the candidates.
const google: Row[] = [
  ['google/google-reasoning.chunks.txt', [9, null, 285, 256], 9 * 2_000 + 285 * 12_000],
  ['google/google-text.chunks.txt', [9, null, 208, 185], 9 * 2_000 + 208 * 12_000],
  ['google/google-text.json', [9, null, 272, 244], 9 * 2_000 + 272 * 12_000],
  ['google/google-tool-call.json', [29, null, 908, 893], 29 * 2_000 + 908 * 12_000],
  ['google/google-stream-tool-call-arguments.chunks.txt', [26, null, 155, 132], 26 * 2_000 + 155 * 12_000],
  ['google/interactions/basic.chunks.txt', [7, 0, 141, 115], 7 * 300 + 141 * 2_500],
  ['google/interactions/multi-turn-stateful-turn1.json', [10, 0, 344, 311], 10 * 300 + 344 * 2_500],
  ['google/interactions/structured-output.json', [8, 0, 70, 59], 8 * 300 + 70 * 2_500],
  ['google/interactions/tool-call-step1.json', [53, 0, 56, 41], 53 * 300 + 56 * 2_500],
];

const deepseek: Row[] = [
  ['deepseek/chat/deepseek-reasoning.chunks.txt', [18, 0, 219, 205], 18 * 280 + 219 * 420],
  ['deepseek/chat/deepseek-tool-call.chunks.txt', [339, 320, 83, 39], 19 * 280 + 320 * 28 + 83 * 420],
  ['deepseek/chat/deepseek-tool-call.json', [339, 320, 92, 48], 19 * 280 + 320 * 28 + 92 * 420],
];
const groq: Row[] = [
  ['groq/groq-reasoning.json', [17, null, 649, 570], 17 * 290 + 649 * 590],
  ['groq/groq-text.chunks.txt', [45, null, 662, null], 45 * 590 + 662 * 790],
  ['groq/groq-text.json', [45, null, 607, null], 45 * 590 + 607 * 790],
  ['groq/groq-tool-call.json', [218, null, 15, null], 218 * 590 + 15 * 790],
];
const mistral: Row[] = [
  ['mistral/mistral-reasoning.json', [10, null, 46, null], 10 * 2_000 + 46 * 5_000],
  ['mistral/mistral-text.chunks.txt', [13, null, 8, null], 13 * 100 + 8 * 300],
  ['mistral/mistral-tool-call.json', [124, null, 22, null], 124 * 100 + 22 * 300],
];
// Grok Code 0.20/0.02/1.50; Grok 3 mini 0.30/0.075/0.50, whose reasoning is counted beside the completion.
const xai: Row[] = [
  ['xai/responses/xai-text-streaming.1.chunks.txt', [216, 192, 863, 237], 24 * 200 + 192 * 20 + 863 * 1_500],
  [
    'xai/responses/xai-text-with-reasoning-streaming-store-false.1.chunks.txt',
    [216, 192, 831, 253],
    24 * 200 + 192 * 20 + 831 * 1_500,
  ],
  ['openai-compatible/chat/xai-text.chunks.txt', [12, 11, 342, 340], 1 * 300 + 11 * 75 + 342 * 500],
  ['openai-compatible/chat/xai-tool-call.json', [307, 244, 281, 255], 63 * 300 + 244 * 75 + 281 * 500],
  ['xai/xai-text.chunks.txt', [12, 11, 291, 290], 1 * 300 + 11 * 75 + 291 * 500],
];

const rows = [
  ...anthropic.map(([file, ...rest]) => ['anthropic', `anthropic/${file}`, ...rest] as const),
  ...openai.map((row) => ['openai', ...row] as const),
  ...google.map((row) => ['google', ...row] as const),
  ...deepseek.map((row) => ['deepseek', ...row] as const),
  ...groq.map((row) => ['groq', ...row] as const),
  ...mistral.map((row) => ['mistral', ...row] as const),
  ...xai.map((row) => ['xai', ...row] as const),
];

describe.skipIf(!isThere)('recorded answers cost what is computed by hand', () => {
  test('there are enough of them', () => expect(rows.length).toBeGreaterThanOrEqual(70));

  test.each(rows)('%s %s', (provider, file, tokens, nanoUsd) => {
    const [answer] = answersOf(file);
    const { input, output } = answer!.usage!;
    expect([input.total, input.cacheRead, output.total, output.reasoning]).toEqual(tokens);
    expect(costOf(answer!, provider, '2025-12-15')).toEqual({
      nanoUsd,
      status: 'estimated',
      source: 'price-table',
      table: prices.version,
      reason: null,
    });
  });

  test('a file of two answers', () => {
    const costs = answersOf('openai/responses/openai-shell-tool.1.chunks.txt').map((answer) =>
      costOf(answer, 'openai', '2025-12-15'),
    );
    expect(costs.map(({ nanoUsd }) => nanoUsd)).toEqual([145 * 1_250 + 41 * 10_000, 331 * 1_250 + 166 * 10_000]);
  });

  test('prices have their time', () => {
    const [answer] = answersOf('openai/responses/programmatic-tool-calling.3.chunks.txt');
    expect(costOf(answer!, 'openai', '2026-08-01').nanoUsd).toBe(757 * 5_000 + 35 * 30_000);
    expect(costOf(answer!, 'openai', '2026-11-21').reason).toBe('time-unpriced');
  });

  test.each([
    ['openai-compatible/chat/xai-text.chunks.txt', 172_125],
    ['openai-compatible/chat/xai-tool-call.json', 177_700],
    ['xai/xai-text.chunks.txt', 146_625],
  ])('%s: the estimate is what the provider says it charged', (file, nanoUsd) => {
    const [answer] = answersOf(file);
    expect(reportedCost(answer!.usageRaw, null)?.nanoUsd).toBe(nanoUsd);
    expect(costOf(answer!, 'xai', '2025-12-15').nanoUsd).toBe(nanoUsd);
  });

  test.each([
    // An adviser of another model answered inside, or took over.
    ['anthropic', 'anthropic/anthropic-advisor-20250301.1.chunks.txt', 'usage-mixed'],
    ['anthropic', 'anthropic/anthropic-advisor-20260301.1.json', 'usage-mixed'],
    ['anthropic', 'anthropic/anthropic-fallback.chunks.txt', 'usage-mixed'],
    // More than 200,000 tokens: one long prompt or several short ones, at different prices.
    ['anthropic', 'anthropic/anthropic-code-execution-20250825.pptx-skill.json', 'bucket-unpriced'],
    ['google', 'google/google-stream-no-args-tool-call.chunks.txt', 'rate-special'],
    ['google', 'google/interactions/google-search.json', 'bucket-unpriced'],
    ['xai', 'xai/responses/xai-web-search-tool.1.json', 'bucket-unpriced'],
    ['azure', 'openai/chat/azure-model-router.1.chunks.txt', 'provider-unpriced'],
    ['openai', 'open-responses/responses/lmstudio-tool-call.1.json', 'model-unpriced'],
  ])('%s %s stays unknown: %s', (provider, file, reason) => {
    const [answer] = answersOf(file);
    expect(costOf(answer!, provider, '2025-12-15')).toMatchObject({ nanoUsd: null, status: 'unknown', reason });
  });
});

// No recorded answer wrote to a cache, so these have the counts of the provider's own documentation.
describe('cache writes as Anthropic words them', () => {
  const usageOf = (five: number, hour: number, read: number) => ({
    input_tokens: 2_048,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: five + hour,
    cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour },
    output_tokens: 503,
  });
  test.each([
    [148, 100, 1_800, 2_048 * 3_000 + 1_800 * 300 + 148 * 3_750 + 100 * 6_000 + 503 * 15_000],
    [248, 0, 1_800, 2_048 * 3_000 + 1_800 * 300 + 248 * 3_750 + 503 * 15_000],
    [0, 248, 0, 2_048 * 3_000 + 248 * 6_000 + 503 * 15_000],
  ])('%i for five minutes, %i for an hour, %i read', (five, hour, read, nanoUsd) => {
    const body = {
      type: 'message',
      model: 'claude-sonnet-4-5-20250929',
      content: [],
      usage: usageOf(five, hour, read),
    };
    const answer = recogniseResponse(body)!.foldResponse(body);
    expect(answer.usage!.input).toMatchObject({ total: 2_048 + read + five + hour, noCache: 2_048 });
    expect(costOf(answer, 'anthropic', '2025-12-15').nanoUsd).toBe(nanoUsd);
  });

  test('without their lifetimes they have no price', () => {
    const { cache_creation: _left, ...usage } = usageOf(148, 100, 1_800);
    const body = { type: 'message', model: 'claude-sonnet-4-5-20250929', content: [], usage };
    const answer = recogniseResponse(body)!.foldResponse(body);
    expect(costOf(answer, 'anthropic', '2025-12-15').reason).toBe('bucket-unpriced');
  });
});

if (!isThere) test.skip('the corpus is not here: costs of recorded answers go unchecked', () => undefined);
