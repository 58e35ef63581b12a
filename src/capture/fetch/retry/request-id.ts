import type { HeaderValues } from '../../../core/model/retry.ts';
import { toRequestId } from '../../../core/model/retry.ts';
import { parseJson, toFields, toText } from '../formats/fields.ts';

/** Names that single providers use where they send none of the usual ones. */
const namesOfTheirOwn = [
  // Mistral, Moonshot, NVIDIA, DeepSeek, Cohere, OpenRouter, Vercel, Google's front end.
  'mistral-correlation-id',
  'msh-request-id',
  'nvcf-reqid',
  'x-ds-trace-id',
  'x-debug-trace-id',
  'x-generation-id',
  'x-vercel-id',
  'x-cloud-trace-context',
];

/**
 * The provider's own id of a round trip: from its headers, or from the words of an error that names it. The id of a
 * network in front of it comes last. `null` when it gave none.
 */
export function toProviderRequestId(headers: HeaderValues, bodyStart: string): string | null {
  const { 'cf-ray': ray, ...own } = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
  const usual = toRequestId(own);
  if (usual !== null) return usual;
  for (const name of namesOfTheirOwn) if (own[name] !== undefined) return own[name];
  const told = bodyStart.includes('request_id') ? toText(toFields(parseJson(bodyStart))?.['request_id']) : null;
  return told ?? ray ?? null;
}
