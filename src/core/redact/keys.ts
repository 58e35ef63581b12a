/** What a name says about its value: it goes, it goes unless it is a number, it goes when it looks random, or it stays. */
export type KeyVerdict = 'deny' | 'deny-text' | 'telling' | 'keep';

const squash = (name: string): string => name.toLowerCase().replace(/[-_ .]/g, '');

const tokenNames = new Set(
  'token access_token refresh_token id_token api_token auth_token bearer_token session_token security_token'
    .split(' ')
    .map(squash),
);
const deniedNames = new Set(
  'private_key signing_key secret_key api_key x_api_key passwd passphrase cookie set_cookie'.split(' ').map(squash),
);
const deniedParts = /secret|password|authorization|credential/;
const tellingEnd = /(?:token|(?:api|auth|access|account|encryption|master|license|subscription)key)$/;
const notTelling =
  /(?:page|next|continuation|sync|cursor|previous|prev|start|end|stop|eos|bos|pad|unk|max|min)tokens?$/;
const parameterNames = new Set(
  'key sig signature code auth pass pwd jwt sas session sessionid x-amz-signature x-amz-credential x-goog-signature x-goog-credential awsaccesskeyid'
    .split(' ')
    .map(squash),
);

/** Judges names of JSON keys and form fields; remembers what it has judged. */
export interface KeyJudge {
  judge(name: string): KeyVerdict;
  /** Finds the names a user added in JSON text, or `null` when there are none. */
  readonly extraAnchor: RegExp | null;
}

function toAnchor(names: readonly string[]): RegExp | null {
  if (names.length === 0) return null;
  const patterns = names.map((name) =>
    [...squash(name)].map((character) => character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('[-_ .]?'),
  );
  return new RegExp(patterns.join('|'), 'gi');
}

function judgeName(name: string): KeyVerdict {
  if (tokenNames.has(name)) return 'deny-text';
  if (deniedNames.has(name) || deniedParts.test(name)) return 'deny';
  return tellingEnd.test(name) && !notTelling.test(name) ? 'telling' : 'keep';
}

/** A judge with the built-in lists, `denied` added to them and `allowed` taken out. */
export function createKeyJudge(denied: readonly string[], allowed: readonly string[]): KeyJudge {
  const extra = new Set(denied.map(squash));
  const kept = new Set(allowed.map(squash));
  const verdictByName = new Map<string, KeyVerdict>();
  return {
    judge(name) {
      const known = verdictByName.get(name);
      if (known !== undefined) return known;
      const squashed = squash(name);
      const verdict = kept.has(squashed) ? 'keep' : extra.has(squashed) ? 'deny' : judgeName(squashed);
      if (verdictByName.size < 4096 && name.length < 128) verdictByName.set(name, verdict);
      return verdict;
    },
    extraAnchor: toAnchor(denied),
  };
}

/** True for the name of a URL parameter whose value is a credential. Percent escapes in the name are read. */
export function isSensitiveParameter(name: string): boolean {
  const plain = squash(
    name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
  if (parameterNames.has(plain)) return true;
  const verdict = judgeName(plain);
  return verdict === 'deny' || verdict === 'deny-text' || (verdict === 'telling' && !plain.endsWith('pagetoken'));
}
