import type { PriceEntry } from './model-entry.ts';
import { model, source } from './model-entry.ts';

// Standard tier. Batch, flex and priority cost otherwise, and a usage does not name them.

const collected = source(
  'https://github.com/simonw/llm-prices/blob/0838d1aca5cc5cb2b5f61cc551adb09e517a0da7/data/openai.json',
);
const catalogue = (id: string, commit: string): Readonly<Record<string, unknown>> =>
  source(`https://github.com/anomalyco/models.dev/blob/${commit}/providers/openai/models/${id}.toml`);

const older = source(
  'https://github.com/pydantic/genai-prices/blob/b3828d9a4ea3d18cd9a1426e8ff2e7e06f304fca/prices/providers/openai.yml',
);

const tokens = (input: string, cachedInput: string | null, output: string): PriceEntry => ({
  input,
  ...(cachedInput === null ? {} : { cachedInput }),
  output,
  source: collected,
});

const longPrompt = 272_000;

/** OpenAI's own API. */
export const openai = {
  id: 'openai',
  aliases: ['openai.*'],
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [
    model('gpt-6.1-sol', {
      from: '2026-09-29',
      ...tokens('$2', '$0.10', '$10'),
      cacheWrite5m: '$2.50',
      cacheWrite1h: '$2.50',
      tiers: [{ abovePromptTokens: longPrompt, ...bare(tokens('$4', '$0.20', '$15')) }],
      source: source('https://github.com/amine123max/Codex-Manager/releases/tag/0.4.7', '2026-09-30'),
    }),
    model('gpt-6-astra', {
      ...tokens('$10', '$1', '$50'),
      cacheWrite5m: '$12.50',
      cacheWrite1h: '$12.50',
      tiers: [
        {
          abovePromptTokens: longPrompt,
          ...bare(tokens('$20', '$2', '$75')),
          cacheWrite5m: '$25',
          cacheWrite1h: '$25',
        },
      ],
      source: catalogue('gpt-6-astra', 'e2f67ad689b593eca60f55be618a3f438468cc43'),
    }),
    // Its price was lowered more than once since; on which days is not known.
    model(
      'gpt-5.6-sol',
      {
        from: '2026-07-09',
        to: '2026-08-20',
        ...tokens('$5', '$0.50', '$30'),
        tiers: [{ abovePromptTokens: longPrompt, ...bare(tokens('$10', '$1', '$45')) }],
        source: source(
          'https://raw.githubusercontent.com/anuran-roy/unified-llm-pricing/refs/heads/main/data/pricing.json',
          '2026-08-19',
        ),
      },
      { aliases: ['gpt-5.6'] },
    ),
    model('gpt-5.5', {
      ...tokens('$5', '$0.50', '$30'),
      tiers: [{ abovePromptTokens: longPrompt, ...bare(tokens('$10', '$1', '$45')) }],
    }),
    model('gpt-5.5-pro', { ...tokens('$30', null, '$180'), tiers: [{ abovePromptTokens: longPrompt }] }),
    model('gpt-5.4', {
      ...tokens('$2.50', '$0.25', '$15'),
      tiers: [{ abovePromptTokens: longPrompt, ...bare(tokens('$5', '$0.50', '$22.50')) }],
    }),
    model('gpt-5.4-pro', {
      ...tokens('$30', null, '$180'),
      tiers: [{ abovePromptTokens: longPrompt, ...bare(tokens('$60', null, '$270')) }],
    }),
    model('gpt-5.4-mini', tokens('$0.75', '$0.075', '$4.50')),
    model('gpt-5.4-nano', tokens('$0.20', '$0.02', '$1.25')),
    model('gpt-5.3-codex', {
      ...tokens('$1.75', '$0.175', '$14'),
      source: catalogue('gpt-5.3-codex', 'ecee1e6258445b5bc7b6159247fba74257b7f28e'),
    }),
    model('gpt-5.2', tokens('$1.75', '$0.175', '$14')),
    model('gpt-5.2-codex', {
      ...tokens('$1.75', '$0.175', '$14'),
      source: catalogue('gpt-5.2-codex', '7156de4d5825093ddcdb8be627cdd196e5f657de'),
    }),
    model('gpt-5.2-pro', tokens('$21', null, '$168')),
    model('gpt-5.1', tokens('$1.25', '$0.125', '$10')),
    model('gpt-5.1-codex', tokens('$1.25', '$0.125', '$10')),
    model('gpt-5.1-codex-mini', tokens('$0.25', '$0.025', '$2')),
    model('gpt-5', tokens('$1.25', '$0.125', '$10')),
    model('gpt-5-codex', {
      ...tokens('$1.25', '$0.125', '$10'),
      source: catalogue('gpt-5-codex', '0760ceffd3e02115e6480d9a0be7992c330c2f35'),
    }),
    model('gpt-5-mini', {
      ...tokens('$0.25', '$0.025', '$2'),
      source: source('https://developers.openai.com/ko-KR/api/docs/models/gpt-5-mini'),
    }),
    model('gpt-5-nano', tokens('$0.05', '$0.005', '$0.40')),
    model('gpt-5-pro', tokens('$15', null, '$120')),
    model('gpt-4.1', tokens('$2', '$0.50', '$8')),
    model('gpt-4.1-mini', tokens('$0.40', '$0.10', '$1.60')),
    model('gpt-4.1-nano', tokens('$0.10', '$0.025', '$0.40')),
    // Its first snapshot cost twice as much, and is no longer sold.
    model('gpt-4o-2024-05-13', {
      input: '$5',
      output: '$15',
      source: older,
    }),
    model('gpt-4o', tokens('$2.50', '$1.25', '$10')),
    model('gpt-4o-mini', tokens('$0.15', '$0.075', '$0.60')),
    model('o4-mini', tokens('$1.10', '$0.275', '$4.40')),
    // Lowered to a fifth in June 2025.
    model('o3', {
      from: '2025-07-01',
      ...tokens('$2', '$0.50', '$8'),
      source: catalogue('o3', '8734c00cd030e035b6aa2ebd3cf9ec98b54026bf'),
    }),
    model('o3-pro', tokens('$20', null, '$80')),
    model('o3-mini', tokens('$1.10', '$0.55', '$4.40')),
    model('o1', tokens('$15', '$7.50', '$60')),
    model('o1-pro', tokens('$150', null, '$600')),
    model(
      'gpt-3.5-turbo-instruct',
      {
        input: '$1.50',
        output: '$2',
        source: older,
      },
      { family: true },
    ),
    model('text-embedding-3-small', { input: '$0.02', source: older }),
    model('text-embedding-3-large', { input: '$0.13', source: older }),
    model('text-embedding-ada-002', { input: '$0.10', source: older }),
  ],
};

/** Rates without their source, for a tier. */
function bare({ source: _source, ...rates }: PriceEntry): PriceEntry {
  return rates;
}
