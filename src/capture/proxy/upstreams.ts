import { isIP } from 'node:net';
import { TachographError } from '../../core/error.ts';
import type { Reach } from './addresses.ts';
import { isAddressAllowed } from './addresses.ts';

/** One provider that the proxy forwards to, under `/proxy/<name>/`. */
export interface Upstream {
  readonly name: string;
  /** The provider in the words of the record, for hosts that do not say. */
  readonly provider: string;
  /** Origin, and the path that every request's path is appended to: without a slash at its end. */
  readonly base: URL;
  readonly reach: Reach;
  /** Paths that some clients write without their version, and what they stand for. */
  readonly aliases: readonly (readonly [from: RegExp, to: string])[];
}

const none: Upstream['aliases'] = [];

/** Clients of Anthropic differ in whether the base URL has the version. */
const anthropicAliases: Upstream['aliases'] = [[/^\/(?=(?:messages|complete|models)(?:$|[/?]))/, '/v1/']];

const known: readonly (readonly [name: string, origin: string, aliases?: Upstream['aliases']])[] = [
  ['openai', 'https://api.openai.com'],
  ['anthropic', 'https://api.anthropic.com', anthropicAliases],
  ['google', 'https://generativelanguage.googleapis.com'],
  ['mistral', 'https://api.mistral.ai'],
  ['groq', 'https://api.groq.com'],
  ['deepseek', 'https://api.deepseek.com'],
  ['xai', 'https://api.x.ai'],
  ['openrouter', 'https://openrouter.ai'],
  ['togetherai', 'https://api.together.xyz'],
  ['fireworks', 'https://api.fireworks.ai'],
  ['cohere', 'https://api.cohere.com'],
  ['perplexity', 'https://api.perplexity.ai'],
  ['cerebras', 'https://api.cerebras.ai'],
  ['deepinfra', 'https://api.deepinfra.com'],
  ['sambanova', 'https://api.sambanova.ai'],
  ['moonshot', 'https://api.moonshot.ai'],
  ['nvidia', 'https://integrate.api.nvidia.com'],
  ['huggingface', 'https://router.huggingface.co'],
];

/** The providers that need not be named. */
export const knownUpstreams: readonly Upstream[] = known.map(([name, origin, aliases]) => ({
  name,
  provider: name,
  base: new URL(origin),
  reach: 'public',
  aliases: aliases ?? none,
}));

function refuse(given: string, why: string): never {
  throw new TachographError(
    'bad-argument',
    `The upstream ${JSON.stringify(given)} ${why}. Give name=URL, for example local=http://127.0.0.1:11434/v1.`,
  );
}

/** An upstream that its user named: `name` and the base URL under which its API is. Throws `bad-argument`. */
export function toOwnUpstream(name: string, url: string): Upstream {
  // A URL with a login in it must not come back in a message.
  if (!/^[a-z0-9][a-z0-9._~-]{0,63}$/.test(name)) refuse(name, 'has no name of small letters, digits, dots and dashes');
  if (!URL.canParse(url)) refuse(name, 'has no URL');
  const base = new URL(url);
  if (!/^https?:$/.test(base.protocol)) refuse(name, 'has a URL that is neither http nor https');
  if (base.username !== '' || base.password !== '') refuse(name, 'has a login in its URL; send keys in headers');
  if (base.search !== '' || base.hash !== '') refuse(name, 'has a URL with a query or a fragment');
  const host = base.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAddressAllowed(host, 'own')) refuse(name, `points to ${host}, where no provider is`);
  base.pathname = base.pathname.replace(/\/+$/, '');
  const [like] = name.split('~');
  const provider = knownUpstreams.find((each) => each.name === like)?.provider ?? name;
  return { name, provider, base, reach: 'own', aliases: none };
}

/** Reads `name=URL`. Throws `bad-argument`. */
export function parseUpstream(text: string): Upstream {
  const split = text.indexOf('=');
  if (split < 1) refuse(text.slice(0, 40), 'is no name=URL');
  return toOwnUpstream(text.slice(0, split).trim(), text.slice(split + 1).trim());
}

/** All upstreams by name: the known ones, and those given, which take the place of a known one of their name. */
export function toUpstreams(given: readonly Upstream[]): ReadonlyMap<string, Upstream> {
  return new Map([...knownUpstreams, ...given].map((upstream) => [upstream.name, upstream]));
}
