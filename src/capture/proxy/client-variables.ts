import type { Upstream } from './upstreams.ts';
import { toOwnUpstream } from './upstreams.ts';

/** Variables by which SDKs take a base URL: the upstream, and what the SDK expects behind its host. */
const baseUrlVariables: readonly (readonly [variable: string, upstream: string, suffix: string])[] = [
  ['OPENAI_BASE_URL', 'openai', '/v1'],
  ['OPENAI_API_BASE', 'openai', '/v1'],
  ['ANTHROPIC_BASE_URL', 'anthropic', ''],
  ['ANTHROPIC_API_BASE', 'anthropic', ''],
  ['ANTHROPIC_API_URL', 'anthropic', ''],
  ['GOOGLE_GEMINI_BASE_URL', 'google', ''],
  ['MISTRAL_API_BASE', 'mistral', '/v1'],
  ['GROQ_BASE_URL', 'groq', ''],
  ['DEEPSEEK_API_BASE', 'deepseek', '/v1'],
  ['XAI_API_BASE', 'xai', '/v1'],
  ['OPENROUTER_API_BASE', 'openrouter', '/api/v1'],
  ['TOGETHER_BASE_URL', 'togetherai', '/v1'],
  ['FIREWORKS_API_BASE', 'fireworks', '/inference/v1'],
  ['CO_API_URL', 'cohere', ''],
  ['CEREBRAS_BASE_URL', 'cerebras', ''],
  ['PERPLEXITY_BASE_URL', 'perplexity', ''],
];

type Variables = Readonly<Record<string, string | undefined>>;

/** Names that a proxy of the system must leave alone for programs to reach this one. */
const ownHosts = ['127.0.0.1', 'localhost'];

function withOwnHosts(list: string | undefined): string {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return [...new Set([...names, ...ownHosts])].join(',');
}

/** What a program is given so that its clients call through the proxy. */
export interface ClientVariables {
  readonly variables: Readonly<Record<string, string>>;
  /** Base URLs that the program was given before: its calls still go there, through the proxy. */
  readonly upstreams: readonly Upstream[];
  /** Variables that were left as they are, since what they hold is no base URL. */
  readonly left: readonly string[];
}

/**
 * The base-URL variables of the common SDKs, pointed at the proxy. One that is set already becomes an upstream of its own, so
 * that the program speaks to whom it spoke to; `given` are the upstreams that the user named, which win over it.
 */
export function toClientVariables(proxyUrl: string, before: Variables, given: readonly Upstream[]): ClientVariables {
  const variables: Record<string, string> = {
    TACHOGRAPH_PROXY_URL: proxyUrl,
    NO_PROXY: withOwnHosts(before['NO_PROXY'] ?? before['no_proxy']),
    no_proxy: withOwnHosts(before['no_proxy'] ?? before['NO_PROXY']),
  };
  const named = new Set(given.map(({ name }) => name));
  const upstreamByHref = new Map<string, Upstream>();
  const left: string[] = [];
  for (const [variable, upstream, suffix] of baseUrlVariables) {
    const own = before[variable]?.trim() ?? '';
    if (own === '' || named.has(upstream)) {
      variables[variable] = `${proxyUrl}/${upstream}${named.has(upstream) ? '' : suffix}`;
      continue;
    }
    try {
      const known = upstreamByHref.get(`${upstream} ${own}`);
      const count = [...upstreamByHref.values()].filter(({ name }) => name.split('~')[0] === upstream).length;
      const one = known ?? toOwnUpstream(`${upstream}~${count + 1}`, own);
      upstreamByHref.set(`${upstream} ${own}`, one);
      variables[variable] = `${proxyUrl}/${one.name}`;
    } catch {
      // No base URL, or one that the proxy must not forward to: the program is not kept from using it.
      left.push(variable);
    }
  }
  return { variables, upstreams: [...upstreamByHref.values()], left };
}
