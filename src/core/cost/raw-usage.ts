/** What only a provider's raw usage says about what a call is charged for. */
export interface RawUsageNotes {
  /** Web searches the provider ran. */
  readonly webSearches: number;
  /** Other tools the provider ran: calls of them, or the tokens they read, which no total holds. */
  readonly providerTools: number;
  readonly audioInput: number;
  readonly audioOutput: number;
  readonly imageOutput: number;
  /** Tokens of another model are in the call: an adviser's, a fallback's. */
  readonly isMixed: boolean;
  /** The call was not made at the list price: a batch, reserved or faster capacity, a region with a surcharge. */
  readonly isSpecialRate: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const toFields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const toList = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(toFields) : []);

const toCount = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

/** Tokens of one kind in Google's lists of tokens by modality, in either of its spellings. */
function tokensOfModality(lists: readonly unknown[], modality: string): number {
  return lists
    .flatMap(toList)
    .filter((entry) => String(entry['modality']).toLowerCase() === modality)
    .reduce((sum, entry) => sum + toCount(entry['tokenCount'] ?? entry['tokens']), 0);
}

const ownRounds = new Set(['message', 'compaction']);

const listRates: Readonly<Record<string, ReadonlySet<string>>> = {
  service_tier: new Set(['standard', 'default', 'auto', 'on_demand']),
  inference_geo: new Set(['global', 'not_available']),
  speed: new Set(['standard']),
  trafficType: new Set(['on_demand', 'traffic_type_unspecified']),
};

function isSpecialRate(raw: Fields): boolean {
  return Object.entries(listRates).some(([key, usual]) => {
    const value = raw[key];
    return typeof value === 'string' && !usual.has(value.toLowerCase());
  });
}

/** Reads a raw usage in the forms of the providers; what is not recognised says nothing. Never throws. */
export function readRawUsage(usageRaw: unknown): RawUsageNotes {
  const raw = toFields(usageRaw);
  const asked = toFields(raw['prompt_tokens_details'] ?? raw['input_tokens_details']);
  const answered = toFields(raw['completion_tokens_details'] ?? raw['output_tokens_details']);
  const askedLists = [raw['promptTokensDetails'], raw['input_tokens_by_modality']];
  const answeredLists = [raw['candidatesTokensDetails'], raw['output_tokens_by_modality']];
  return {
    webSearches: toCount(toFields(raw['server_tool_use'])['web_search_requests']),
    providerTools: toCount(raw['num_server_side_tools_used']) + toCount(raw['total_tool_use_tokens']),
    audioInput: toCount(asked['audio_tokens']) + tokensOfModality(askedLists, 'audio'),
    audioOutput: toCount(answered['audio_tokens']) + tokensOfModality(answeredLists, 'audio'),
    imageOutput: toCount(answered['image_tokens']) + tokensOfModality(answeredLists, 'image'),
    isMixed: toList(raw['iterations']).some((round) => !ownRounds.has(String(round['type']))),
    isSpecialRate: isSpecialRate(raw),
  };
}
