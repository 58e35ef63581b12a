/** Hosts of model providers whose requests are recorded unless the user says otherwise. `*` stands for any label text. */
export const providerHosts: readonly string[] = [
  'api.openai.com',
  '*.openai.azure.com',
  '*.services.ai.azure.com',
  '*.cognitiveservices.azure.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  'aiplatform.googleapis.com',
  '*-aiplatform.googleapis.com',
  'bedrock-runtime.*',
  'bedrock-runtime-fips.*',
  'api.mistral.ai',
  'codestral.mistral.ai',
  'api.groq.com',
  'api.deepseek.com',
  'api.x.ai',
  'openrouter.ai',
  'api.together.xyz',
  'api.together.ai',
  'api.fireworks.ai',
  'api.cohere.com',
  'api.cohere.ai',
  'api.perplexity.ai',
  'api.cerebras.ai',
  'api.deepinfra.com',
  'api.sambanova.ai',
  'api.novita.ai',
  'api.studio.nebius.ai',
  'api.moonshot.ai',
  'api.minimax.io',
  'api.z.ai',
  'dashscope.aliyuncs.com',
  'dashscope-intl.aliyuncs.com',
  'api.ai21.com',
  'api.voyageai.com',
  'router.huggingface.co',
  'ai-gateway.vercel.sh',
  'models.github.ai',
  'integrate.api.nvidia.com',
];

/** Tells whether a URL is one of a host list's. */
export type HostMatcher = (url: URL) => boolean;

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

function toPattern(host: string): RegExp {
  const escaped = host.toLowerCase().replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '[^/]*')}$`);
}

/** A matcher over host patterns. One without a port matches every port; `127.0.0.1:*` says the same of an address. */
export function createHostMatcher(hosts: readonly string[]): HostMatcher {
  const trimmed = hosts.map((host) => host.trim()).filter((host) => host !== '');
  const isWithPort = (host: string): boolean => /:[\d*]+$/.test(host) && !/^[^[]*:[^\]]*:/.test(host);
  const bare = trimmed.filter((host) => !isWithPort(host)).map(toPattern);
  const ported = trimmed.filter(isWithPort).map(toPattern);
  return (url) => {
    const name = url.hostname.toLowerCase();
    if (bare.some((pattern) => pattern.test(name))) return true;
    if (ported.length === 0) return false;
    const full = `${name}:${url.port === '' ? (defaultPorts[url.protocol] ?? '') : url.port}`;
    return ported.some((pattern) => pattern.test(full));
  };
}

/** The hosts to record: the providers', the ones given, and those of a comma list such as `TACHOGRAPH_HOSTS`. */
export function toHosts(given: readonly string[] | undefined, list: string | undefined): readonly string[] {
  return [...providerHosts, ...(given ?? []), ...(list ?? '').split(',')];
}

const providerByHost: readonly (readonly [RegExp, string])[] = [
  [/\.azure\.com$/, 'azure'],
  [/(?:^|[.-])aiplatform\.googleapis\.com$/, 'google-vertex'],
  [/\.googleapis\.com$/, 'google'],
  [/^bedrock-runtime/, 'amazon-bedrock'],
  [/(?:^|\.)mistral\.ai$/, 'mistral'],
  [/(?:^|\.)x\.ai$/, 'xai'],
  [/^openrouter\.ai$/, 'openrouter'],
  [/\.together\.(?:xyz|ai)$/, 'togetherai'],
  [
    /^(?:api\.)?(openai|anthropic|groq|deepseek|fireworks|cohere|perplexity|cerebras|deepinfra|sambanova|moonshot)\.(?:com|ai)$/,
    '$1',
  ],
];

/** The provider behind a host, in the words the SDKs use; `null` for a host that is not known. */
export function hostToProvider(hostname: string): string | null {
  for (const [pattern, name] of providerByHost) {
    const match = pattern.exec(hostname);
    if (match !== null) return name === '$1' ? match[1]! : name;
  }
  return null;
}

const credentialHosts =
  /^(?:oauth2\.googleapis\.com|accounts\.google\.com|iamcredentials\.googleapis\.com|metadata\.google\.internal|169\.254\.\d+\.\d+|sts\.[\w.-]*amazonaws\.com|login\.microsoftonline\.com|login\.windows\.net)$/;

/** True for exchanges of credentials, which happen inside SDK calls and are never a model call. */
export function isCredentialExchange(url: URL): boolean {
  return credentialHosts.test(url.hostname) || /\/(?:oauth2?|token|oauth2?\/(?:v\d+\/)?token)$/.test(url.pathname);
}

/** Paths of provider APIs that are posted to and yet call no model. */
const housekeeping =
  /\/(?:files|uploads|batches|message_batches|messages\/batches|messages\/count_tokens|responses\/input_tokens|realtime|skills|vector_stores|fine_tuning|fine-tuning|assistants|threads|containers|organizations|usage|models|cachedContents|moderations|tokenize|traces|conversations|evals)(?:$|\/|:)|:(?:countTokens|batchEmbedContents:async)$|\/cancel$/;

/** True when a request by its method and path may be a model call. */
export function isModelCall(method: string, path: string): boolean {
  if (method !== 'POST') return false;
  return (
    !housekeeping.test(path) ||
    /:(?:stream)?(?:generateContent|rawPredict|predict|embedContent|batchEmbedContents)/i.test(path)
  );
}

const operationByPath: readonly (readonly [RegExp, string])[] = [
  [/embed/i, 'embed'],
  [/rerank/i, 'rerank'],
  [/images?\//i, 'image'],
  [/audio\/speech|text-to-speech/i, 'speech'],
  [/transcri|audio\/translations/i, 'transcribe'],
  [/stream/i, 'stream'],
];

/** The model operation that a path names, for requests whose form is not understood. */
export function pathToOperation(path: string): string {
  return operationByPath.find(([pattern]) => pattern.test(path))?.[1] ?? 'generate';
}
