import type { Row } from './row.ts';
import { alnum, hex, rows, word } from './row.ts';

/** Providers of models and what agents call around them. Keys that begin with `sk-` have a detector of their own. */
export const modelRows: readonly Row[] = [
  ...rows('groq-key', 'gsk_', `${alnum}{40,}`),
  ...rows('xai-key', 'xai-', `${word}{60,}`),
  ...rows('huggingface-token', 'hf_', `${alnum}{30,}`),
  ...rows('huggingface-token', 'api_org_', `${alnum}{30,}`),
  ...rows('replicate-token', 'r8_', `${alnum}{36,}`),
  ...rows('perplexity-key', 'pplx-', `${alnum}{40,}`),
  ...rows('fireworks-key', 'fw_ fw-', `${alnum}{20,}`),
  ...rows('together-key', 'tgp_v1_', `${word}{40,}`),
  ...rows('cerebras-key', 'csk-', `${alnum}{40,}`),
  ...rows('nvidia-key', 'nvapi-', `${word}{60,}`),
  ...rows('voyage-key', 'pa-', `(?=[A-Za-z_-]{0,20}\\d)${word}{40,}`),
  ...rows('elevenlabs-key', 'sk_', `${hex}{48,}`),
  ...rows('openrouter-key', 'rk-or-v1-', `${hex}{40,}`),
  ...rows('baseten-key', 'bst_', `${alnum}{30,}`),
  ...rows('tavily-key', 'tvly-', `(?:dev-|prod-)?${word}{20,}`),
  ...rows('firecrawl-key', 'fc-', `${hex}{32,}`),
  ...rows('jina-key', 'jina_', `${word}{40,}`),
  ...rows('e2b-key', 'e2b_', `${hex}{40,}`),
  ...rows('langsmith-key', 'lsv2_pt_ lsv2_sk_', `${hex}{32,}(?:_${hex}{8,})?`),
  ...rows('langsmith-key', 'ls__', `${hex}{32,}`),
  ...rows('pinecone-key', 'pcsk_', `${word}{40,}`),
  ...rows('wandb-key', 'wandb_v1_', `${word}{40,}`),
  ...rows('browserbase-key', 'bb_live_ bb_test_', `${word}{20,}`),
  ...rows('composio-key', 'ak_', `(?=[A-Za-z_-]*\\d)${word}{32,}`),
  ...rows('modal-token', 'ak- as- wk- ws-', `${alnum}{22}(?![A-Za-z0-9_-])`),
];
