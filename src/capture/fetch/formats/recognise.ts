import { anthropicMessages } from './anthropic-messages.ts';
import type { Fields } from './fields.ts';
import type { WireFormat } from './format.ts';
import { googleGenerate } from './google-generate.ts';
import { googleInteractions } from './google-interactions.ts';
import { memberSlices } from './request/json-text.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiMedia } from './openai-media.ts';
import { openaiResponses } from './openai-responses.ts';

/** Every form that is understood; the first that claims a request or answer has it. */
export const wireFormats: readonly WireFormat[] = [
  openaiChat,
  anthropicMessages,
  openaiResponses,
  googleGenerate,
  googleInteractions,
  openaiEmbeddings,
  openaiMedia,
];

/** The form of a request by its path and the keys of its JSON body; `null` when it is none that is understood. */
export function recogniseRequest(path: string, body: string | null): WireFormat | null {
  const members = body === null ? null : memberSlices(body);
  if (members === null) return null;
  const keys = new Set(members.keys());
  return wireFormats.find((format) => format.isRequest(path, keys)) ?? null;
}

/** The form of an answer, or of one event of a stream, by its own marks; `null` when it bears none. */
export function recogniseResponse(body: Fields): WireFormat | null {
  return wireFormats.find((format) => format.isResponse(body)) ?? null;
}
