import { toFields } from './vendor.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The mark that the recording proxy knows; a test holds the two together. */
export const recordedHeader = 'x-tachograph-recorded';

const headersVariable = 'ANTHROPIC_CUSTOM_HEADERS';

const originOf = (text: string | undefined): string | null =>
  text !== undefined && URL.canParse(text) ? new URL(text).origin : null;

/**
 * The environment for a process whose calls go through the recording proxy: they carry the mark by which the proxy passes
 * them on without recording them again, so that each call is counted once. `null` when they do not go there.
 */
export function toMarkedEnvironment(given: unknown, ambient: Variables): Variables | null {
  const own = toFields(given) as Variables | null;
  const env = own ?? ambient;
  const proxy = originOf(env['TACHOGRAPH_PROXY_URL'] ?? ambient['TACHOGRAPH_PROXY_URL']);
  if (proxy === null || originOf(env['ANTHROPIC_BASE_URL']) !== proxy) return null;
  const before = env[headersVariable] ?? '';
  const mark = `${recordedHeader}: 1`;
  return { ...env, [headersVariable]: before === '' ? mark : `${before}\n${mark}` };
}
