import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel } from 'ai';
import type { Wire } from './corpus.ts';

const apiKey = 'sk-playback-key';

/** The real client of a wire format, pointed at a base URL. */
export function createModel(wire: Wire, baseURL: string): LanguageModel {
  switch (wire) {
    case 'openai-chat':
      return createOpenAI({ baseURL, apiKey }).chat('asked-model');
    case 'openai-completion':
      return createOpenAI({ baseURL, apiKey }).completion('asked-model');
    case 'openai-responses':
      return createOpenAI({ baseURL, apiKey }).responses('asked-model');
    case 'anthropic':
      return createAnthropic({ baseURL, apiKey })('asked-model');
    case 'google':
      return createGoogle({ baseURL, apiKey })('asked-model');
    case 'google-interactions':
      return createGoogle({ baseURL, apiKey }).interactions('gemini-2.5-flash');
    case 'compatible':
      return createOpenAICompatible({ name: 'compatible', baseURL, apiKey, includeUsage: true })('asked-model');
  }
}
