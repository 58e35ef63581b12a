import type { PriceEntry } from './model-entry.ts';
import { model, source } from './model-entry.ts';

// Reads 0.1 times the input, five-minute writes 1.25 times, one-hour writes 2 times, unless the list says otherwise;
// each figure below is the list's own.

const list = source('https://platform.claude.com/docs/en/about-claude/pricing');
const olderList = source('https://platform.claude.com/docs/zh-CN/about-claude/pricing');

/** One search that Anthropic runs is $10 for a thousand, beside its tokens. */
const webSearch = '$0.01';

const opus4: PriceEntry = {
  input: '$15',
  cachedInput: '$1.50',
  cacheWrite5m: '$18.75',
  cacheWrite1h: '$30',
  output: '$75',
  webSearch,
  source: list,
};

const opus45: PriceEntry = {
  input: '$5',
  cachedInput: '$0.50',
  cacheWrite5m: '$6.25',
  cacheWrite1h: '$10',
  output: '$25',
  webSearch,
  source: list,
};

const sonnet: PriceEntry = {
  input: '$3',
  cachedInput: '$0.30',
  cacheWrite5m: '$3.75',
  cacheWrite1h: '$6',
  output: '$15',
  webSearch,
  source: olderList,
};

/**
 * Prompts past 200,000 tokens cost more in the models' long-context preview, and the same otherwise; a usage does not say
 * which it was, nor whether it is the sum of several shorter rounds.
 */
const sonnetShort: PriceEntry = { ...sonnet, tiers: [{ abovePromptTokens: 200_000 }] };

const fable: PriceEntry = {
  input: '$10',
  cachedInput: '$1',
  cacheWrite5m: '$12.50',
  cacheWrite1h: '$20',
  output: '$50',
  webSearch,
  source: list,
};

const sonnet5: PriceEntry = {
  input: '$2',
  cachedInput: '$0.20',
  cacheWrite5m: '$2.50',
  cacheWrite1h: '$4',
  output: '$10',
  webSearch,
  source: source('https://platform.claude.com/docs/zh-CN/models/sonnet-5/overview'),
};

const sonnet55Source = source('https://platform.claude.com/docs/zh-CN/models/sonnet-5-5/overview');

/** Anthropic's own API. */
export const anthropic = {
  id: 'anthropic',
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [
    model('claude-fable-5-1', { ...fable, cachedInput: '$0.25' }),
    model('claude-mythos-5-1', { ...fable, cachedInput: '$0.25' }),
    model('claude-fable-5', fable),
    model('claude-mythos-5', fable),
    model('claude-opus-5-5', {
      input: '$4',
      cachedInput: '$0.20',
      cacheWrite5m: '$5',
      cacheWrite1h: '$8',
      output: '$20',
      webSearch,
      source: source('https://platform.claude.com/docs/zh-CN/models/opus-5-5/overview'),
    }),
    model('claude-opus-5', opus45),
    model('claude-opus-4-8', opus45),
    model('claude-opus-4-7', opus45),
    model('claude-opus-4-6', opus45),
    model('claude-opus-4-5', opus45),
    model('claude-opus-4-1', opus4),
    model('claude-opus-4', opus4, { aliases: ['claude-opus-4-0'] }),
    model('claude-3-opus', { ...opus4, source: olderList }, { aliases: ['claude-3-opus-latest'] }),
    model('claude-sonnet-5-5', [
      { ...sonnet5, to: '2026-10-07', source: sonnet55Source },
      {
        ...sonnet5,
        from: '2026-10-07',
        cachedInput: '$0.10',
        source: source('https://github.com/kurofune/claudit/releases/tag/v1.9.2', '2026-10-24'),
      },
    ]),
    model('claude-sonnet-5', sonnet5),
    model('claude-sonnet-4-6', sonnet),
    model('claude-sonnet-4-5', sonnetShort),
    model('claude-sonnet-4', sonnetShort, { aliases: ['claude-sonnet-4-0'] }),
    model('claude-3-7-sonnet', sonnet, { aliases: ['claude-3-7-sonnet-latest'] }),
    model('claude-haiku-5-5', {
      from: '2026-10-07',
      input: '$0.10',
      cachedInput: '$0.01',
      cacheWrite5m: '$0.125',
      cacheWrite1h: '$0.20',
      output: '$0.50',
      webSearch,
      tiers: [
        {
          abovePromptTokens: 100_000,
          input: '$0.50',
          cachedInput: '$0.05',
          cacheWrite5m: '$0.625',
          cacheWrite1h: '$1',
          output: '$2.50',
          webSearch,
        },
      ],
      source: source('https://github.com/kurofune/claudit/releases/tag/v1.9.2', '2026-10-24'),
    }),
    model('claude-haiku-4-5', {
      input: '$1',
      cachedInput: '$0.10',
      cacheWrite5m: '$1.25',
      cacheWrite1h: '$2',
      output: '$5',
      webSearch,
      source: olderList,
    }),
    model(
      'claude-3-5-haiku',
      {
        input: '$0.80',
        cachedInput: '$0.08',
        cacheWrite5m: '$1',
        cacheWrite1h: '$1.60',
        output: '$4',
        webSearch,
        source: olderList,
      },
      { aliases: ['claude-3-5-haiku-latest'] },
    ),
    model('claude-3-haiku', {
      input: '$0.25',
      cachedInput: '$0.03',
      cacheWrite5m: '$0.30',
      cacheWrite1h: '$0.50',
      output: '$1.25',
      source: olderList,
    }),
  ],
};
