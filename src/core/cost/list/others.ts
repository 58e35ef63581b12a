import { model, source } from './model-entry.ts';

const catalogue = (path: string, commit: string): Readonly<Record<string, unknown>> =>
  source(`https://github.com/anomalyco/models.dev/blob/${commit}/providers/${path}.toml`);

const mistralOlder = source(
  'https://github.com/pydantic/genai-prices/blob/fde84f4444033b2de72027a001672b06fb939828/prices/providers/mistral.yml',
  '2025-07-04',
);

/** Mistral's own API. A `-latest` name moves to other models: it has a price only for the time it is known for. */
export const mistral = {
  id: 'mistral',
  aliases: ['mistral.*'],
  models: [
    model('mistral-large-2512', {
      input: '$0.50',
      output: '$1.50',
      source: catalogue('mistral/models/mistral-large-latest', '7fbe22429db68bfe4b3219fd7d8604105a7419d1'),
    }),
    model('mistral-large-2411', {
      input: '$2',
      output: '$6',
      source: mistralOlder,
    }),
    model('mistral-medium-3.5', {
      input: '$1.50',
      output: '$7.50',
      source: source('https://github.com/braintrustdata/braintrust-proxy/issues/505'),
    }),
    model('mistral-medium-2505', {
      input: '$0.40',
      output: '$2',
      source: source(
        'https://github.com/simonw/llm-prices/blob/51758ee303f2b60a08fc2e0cf634557ea442b14d/data/mistral.json',
      ),
    }),
    model('mistral-small-2506', {
      input: '$0.10',
      output: '$0.30',
      source: mistralOlder,
    }),
    model('mistral-small-latest', {
      to: '2026-01-01',
      input: '$0.10',
      output: '$0.30',
      source: mistralOlder,
    }),
    model('magistral-medium-2506', {
      input: '$2',
      output: '$5',
      source: source('https://docs.mistral.ai/models/magistral-medium-1-0-25-06.md'),
    }),
    model(
      'magistral-medium-latest',
      {
        input: '$2',
        output: '$5',
        source: catalogue('mistral/models/magistral-medium-latest', '4061abb29fddc6313a5fb9eb87634187aa1a0a6d'),
      },
      { aliases: ['magistral-medium-2507', 'magistral-medium-2509'] },
    ),
    model(
      'codestral-2508',
      {
        input: '$0.30',
        output: '$0.90',
        source: catalogue('mistral/models/codestral-latest', '20de0b7e31d75217fad9d651de8422beb8332bea'),
      },
      { aliases: ['codestral-latest'] },
    ),
    model('ministral-8b-2512', {
      input: '$0.15',
      output: '$0.15',
      source: catalogue('mistral/models/ministral-8b-latest', '20de0b7e31d75217fad9d651de8422beb8332bea'),
    }),
    model('mistral-embed', {
      input: '$0.10',
      source: mistralOlder,
    }),
  ],
};

const deepseekPrice = {
  from: '2025-12-01',
  to: '2026-04-24',
  input: '$0.28',
  cachedInput: '$0.028',
  output: '$0.42',
  source: source(
    'https://raw.githubusercontent.com/RooCodeInc/Roo-Code/main/packages/types/src/providers/deepseek.ts',
    '2025-12-09',
  ),
};

/** DeepSeek's own API. Its models since V4 cost by the hour of the day, which a table like this cannot say. */
export const deepseek = {
  id: 'deepseek',
  aliases: ['deepseek.*'],
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [model('deepseek-chat', deepseekPrice), model('deepseek-reasoner', deepseekPrice)],
};

const grokLong = 200_000;
const grokList = source(
  'https://github.com/simonw/llm-prices/blob/25bd70269d2a6b7cfebba24ddc0c8b9a5f9fc515/data/xai.json',
);

/** xAI's own API. It mostly states the cost of a call itself; these serve where it does not. */
export const xai = {
  id: 'xai',
  aliases: ['xai.*'],
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [
    model('grok-4.7', {
      input: '$2',
      cachedInput: '$0.50',
      output: '$6',
      tiers: [{ abovePromptTokens: grokLong, input: '$4', cachedInput: '$1', output: '$12' }],
      source: catalogue('xai/models/grok-4.7', 'c8249f138322f68aa6dd7beed34ca0a27fc78ccf'),
    }),
    // Sources disagree about its cached input, so that bucket is left without a price.
    model('grok-4.5', {
      input: '$2',
      output: '$6',
      tiers: [{ abovePromptTokens: grokLong, input: '$4', output: '$12' }],
      source: catalogue('xai/models/grok-4.5', '4772f8992e75d2cc8adf9e713c4f09fd11fcbc7d'),
    }),
    model('grok-4.3', {
      input: '$1.25',
      cachedInput: '$0.20',
      output: '$2.50',
      tiers: [{ abovePromptTokens: grokLong, input: '$2.50', cachedInput: '$0.40', output: '$5' }],
      source: grokList,
    }),
    model(
      'grok-4-1-fast',
      {
        input: '$0.20',
        cachedInput: '$0.05',
        output: '$0.50',
        tiers: [{ abovePromptTokens: 128_000 }],
        source: catalogue('xai/models/grok-4-1-fast', '7fbe22429db68bfe4b3219fd7d8604105a7419d1'),
      },
      { family: true },
    ),
    model(
      'grok-4-fast',
      {
        input: '$0.20',
        cachedInput: '$0.05',
        output: '$0.50',
        tiers: [{ abovePromptTokens: 128_000, input: '$0.40', cachedInput: '$0.05', output: '$1' }],
        source: grokList,
      },
      { family: true },
    ),
    model(
      'grok-4',
      {
        input: '$3',
        cachedInput: '$0.75',
        output: '$15',
        tiers: [{ abovePromptTokens: 128_000, input: '$6', cachedInput: '$0.75', output: '$30' }],
        source: grokList,
      },
      { aliases: ['grok-4-0709', 'grok-4-latest'] },
    ),
    model(
      'grok-3',
      { input: '$3', cachedInput: '$0.75', output: '$15', source: grokList },
      { aliases: ['grok-3-latest', 'grok-3-beta'] },
    ),
    model(
      'grok-3-mini',
      { input: '$0.30', cachedInput: '$0.075', output: '$0.50', source: grokList },
      { aliases: ['grok-3-mini-latest', 'grok-3-mini-beta'] },
    ),
    model('grok-code-fast-1', { input: '$0.20', cachedInput: '$0.02', output: '$1.50', source: grokList }),
  ],
};

/** Groq's on-demand tier. */
export const groq = {
  id: 'groq',
  aliases: ['groq.*'],
  cacheInsideInput: true,
  reasoningInsideOutput: true,
  models: [
    model('llama-3.3-70b-versatile', {
      input: '$0.59',
      output: '$0.79',
      source: source(
        'https://github.com/narevai/models.dev/blob/a70ca6a4ce45ae2f26775de91cb1aadc46c9c8e5/providers/groq/models/llama-3.3-70b-versatile.toml',
      ),
    }),
    model('llama-3.1-8b-instant', {
      input: '$0.05',
      output: '$0.08',
      source: source(
        'https://github.com/narevai/models.dev/blob/81ae5e3bab831910b1a1c71bc9611e7da3b9aa26/providers/groq/models/llama-3.1-8b-instant.toml',
      ),
    }),
    model('qwen/qwen3-32b', {
      input: '$0.29',
      output: '$0.59',
      source: catalogue('groq/models/qwen/qwen3-32b', '3beb135e23779c1d180b4938ed172e2f67f2fee6'),
    }),
    model('openai/gpt-oss-120b', {
      input: '$0.15',
      cachedInput: '$0.075',
      output: '$0.60',
      source: catalogue('groq/models/openai/gpt-oss-120b', '3beb135e23779c1d180b4938ed172e2f67f2fee6'),
    }),
    model('openai/gpt-oss-20b', {
      input: '$0.075',
      cachedInput: '$0.0375',
      output: '$0.30',
      source: catalogue('groq/models/openai/gpt-oss-20b', '3beb135e23779c1d180b4938ed172e2f67f2fee6'),
    }),
  ],
};

const cohereGuide = source('https://developer.puter.com/tutorials/cohere-api-pricing/', '2026-06-01');

/** Cohere's own API, with a production key. */
export const cohere = {
  id: 'cohere',
  aliases: ['cohere.*'],
  models: [
    model('command-a-03-2025', {
      input: '$2.50',
      output: '$10',
      source: catalogue('cohere/models/command-a-03-2025', '7fbe22429db68bfe4b3219fd7d8604105a7419d1'),
    }),
    model('command-r-plus-08-2024', {
      input: '$2.50',
      output: '$10',
      source: catalogue('cohere/models/command-r-plus-08-2024', '7fbe22429db68bfe4b3219fd7d8604105a7419d1'),
    }),
    model(
      'command-r-08-2024',
      {
        input: '$0.15',
        output: '$0.60',
        source: source('https://docs.flexprice.io/cookbooks/pricing-teardowns/cohere-pricing', '2026-11-11'),
      },
      { aliases: ['command-r'] },
    ),
    model(
      'command-r7b-12-2024',
      { input: '$0.0375', output: '$0.15', source: cohereGuide },
      { aliases: ['command-r7b'] },
    ),
    model('embed-v4.0', { input: '$0.12', source: cohereGuide }),
  ],
};
