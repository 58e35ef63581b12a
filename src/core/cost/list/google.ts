import type { PriceEntry } from './model-entry.ts';
import { model, source } from './model-entry.ts';

// Paid tier of the Gemini API. Vertex AI has a list of its own, which is not shipped. Thoughts cost what output costs;
// keeping a cache costs by the hour, which no usage tells.

const list = source('https://ai.google.dev/gemini-api/docs/pricing', '2026-09-20');
const catalogue = (id: string, commit: string): Readonly<Record<string, unknown>> =>
  source(`https://github.com/anomalyco/models.dev/blob/${commit}/providers/google/models/${id}.toml`);

const longPrompt = 200_000;

const pro3: PriceEntry = {
  input: '$2',
  cachedInput: '$0.20',
  output: '$12',
  tiers: [{ abovePromptTokens: longPrompt, input: '$4', cachedInput: '$0.40', output: '$18' }],
};

/** The Gemini API. */
export const google = {
  id: 'google',
  aliases: ['google.generative-ai*', 'google.interactions*'],
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [
    // The list announces its prices of 2027.
    model('gemini-3.8-flash', [
      { to: '2027-01-01', input: '$0.75', output: '$3.75', source: list },
      { from: '2027-01-01', input: '$1.50', output: '$7.50', source: list },
    ]),
    model('gemini-3.5-flash', {
      input: '$1.50',
      cachedInput: '$0.15',
      audioInput: '$1.50',
      output: '$9',
      source: catalogue('gemini-3.5-flash', '96e7a00f4333b7b909a57a0f3bf63dc8f02f1a48'),
    }),
    model('gemini-3.1-pro-preview', { ...pro3, source: list }),
    model(
      'gemini-3.1-flash-lite',
      {
        input: '$0.25',
        cachedInput: '$0.025',
        output: '$1.50',
        source: catalogue('gemini-3.1-flash-lite', '34fd6673e5684ccc377fa821ff48af498d5703eb'),
      },
      { aliases: ['gemini-3.1-flash-lite-preview'] },
    ),
    model('gemini-3-pro-preview', {
      ...pro3,
      source: catalogue('gemini-3-pro-preview', '2593e131a1e02e1c69412c50b233986e2ab433e4'),
    }),
    model('gemini-3-flash-preview', {
      input: '$0.50',
      cachedInput: '$0.05',
      audioInput: '$1',
      output: '$3',
      source: catalogue('gemini-3-flash-preview', '96e7a00f4333b7b909a57a0f3bf63dc8f02f1a48'),
    }),
    model('gemini-2.5-pro', {
      input: '$1.25',
      cachedInput: '$0.125',
      output: '$10',
      tiers: [{ abovePromptTokens: longPrompt, input: '$2.50', cachedInput: '$0.25', output: '$15' }],
      source: catalogue('gemini-2.5-pro', '0760ceffd3e02115e6480d9a0be7992c330c2f35'),
    }),
    model(
      'gemini-2.5-flash',
      {
        input: '$0.30',
        cachedInput: '$0.03',
        audioInput: '$1',
        output: '$2.50',
        source: catalogue('gemini-2.5-flash', '0760ceffd3e02115e6480d9a0be7992c330c2f35'),
      },
      { aliases: ['gemini-2.5-flash-preview-09-2025'] },
    ),
    model('gemini-2.5-flash-lite', {
      input: '$0.10',
      cachedInput: '$0.01',
      audioInput: '$0.30',
      output: '$0.40',
      source: catalogue('gemini-2.5-flash-lite', '19565ce21d886b2ec61c7d0b984ce87ad1b140fb'),
    }),
    model(
      'gemini-2.0-flash',
      {
        input: '$0.10',
        output: '$0.40',
        source: source(
          'https://github.com/simonw/llm-prices/blob/014a62da459805dcea25aaa644cf7a90ec9e4000/data/google.json',
        ),
      },
      { aliases: ['gemini-2.0-flash-001'] },
    ),
    model('gemini-embedding-001', {
      input: '$0.15',
      source: catalogue('gemini-embedding-001', '51752b58070a4ca5c88d008b2d8a6f7751e652f5'),
    }),
  ],
};
