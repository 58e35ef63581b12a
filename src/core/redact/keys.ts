/**
 * What a name or place says about its value: it goes whatever it is, it goes, it goes unless it is a number, it goes
 * when it looks random, it stays, it stays and is no personal data.
 */
export type KeyVerdict = 'deny-all' | 'deny' | 'deny-text' | 'telling' | 'keep' | 'identifier';

const squash = (name: string): string => name.toLowerCase().replace(/[-_ .]/g, '');

const tokenNames = new Set(
  'token access_token refresh_token id_token api_token auth_token bearer_token session_token security_token'
    .split(' ')
    .map(squash),
);
const deniedNames = new Set(
  'private_key signing_key secret_key api_key x_api_key passwd passphrase cookie set_cookie'.split(' ').map(squash),
);
const deniedParts = /secret|password|passphrase|authorization|credential/;
const tellingEnd = /(?:token|pwd|auth|(?:api|auth|access|account|encryption|master|license|subscription)key)$/;
/** `MISTRAL_KEY`, `deploy-key`: a key by its last word, unless the word before says which other kind of key. */
const separatedKey = /[a-z0-9][_-]key$/i;
const harmlessKey =
  /(?:public|pub|primary|foreign|cache|partition|sort|row|column|index|query|storage|object|dedupe|idempotency|hash|route|routing|unique|composite|meta|data|map|group|event|s3|file|blob|lookup|join|shard|node|item|record|tree|state|translation|label|title|name|section|config|setting|feature|flag|parent|root|child|host|authorized|websocket|entity|business|natural|surrogate|tag|metric|cursor|page|next|prev|last|first|stream|message|topic|kv|redis|session|ssh|gpg)[_-]key$/i;
const notTelling =
  /(?:page|next|continuation|sync|cursor|previous|prev|start|end|stop|eos|bos|pad|unk|max|min)tokens?$/;
const parameterNames = new Set(
  'key sig signature code auth pass pwd jwt sas session sessionid x-amz-signature x-amz-credential x-goog-signature x-goog-credential awsaccesskeyid'
    .split(' ')
    .map(squash),
);

/** Names of our own and of whoever calls us: personal-data rules spare their values, for records are found by them. */
const identifierNames = new Set(
  `id run_id step_id parent_run_id parent_step_id root_run_id writer_id project_id agent_id caller_id channel_id session_id
  end_user_id trace_id span_id request_id provider_request_id call_id tool_call_id message_id trigger_message_id content_id
  node_id event_id idempotency_key dedupe_key key keys trigger_ref gateway_id`
    .split(/\s+/)
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

const builtInByName = new Map<string, KeyVerdict>();
const namesMax = 4096;

/** What the built-in lists say of a name in any spelling; names are remembered. */
export function judgeName(written: string): KeyVerdict {
  const known = builtInByName.get(written);
  if (known !== undefined) return known;
  const verdict = judgeWritten(written);
  if (builtInByName.size < namesMax && written.length < 128) builtInByName.set(written, verdict);
  return verdict;
}

function judgeWritten(written: string): KeyVerdict {
  const name = squash(written);
  if (name.endsWith('allowcredentials')) return 'keep';
  if (tokenNames.has(name)) return 'deny-text';
  if (deniedNames.has(name) || deniedParts.test(name)) return 'deny';
  if (tellingEnd.test(name)) return notTelling.test(name) ? 'keep' : 'telling';
  if (separatedKey.test(written) && !harmlessKey.test(written)) return 'telling';
  return 'keep';
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
      const builtIn = kept.has(squashed) ? 'keep' : extra.has(squashed) ? 'deny' : judgeName(name);
      const verdict = builtIn === 'keep' && identifierNames.has(squashed) ? 'identifier' : builtIn;
      if (verdictByName.size < namesMax && name.length < 128) verdictByName.set(name, verdict);
      return verdict;
    },
    extraAnchor: toAnchor(denied),
  };
}

const isSensitiveByParameter = new Map<string, boolean>();

/**
 * True for the name of a URL parameter whose value is a credential. Percent escapes in the name are read; names are
 * remembered.
 */
export function isSensitiveParameter(name: string): boolean {
  const known = isSensitiveByParameter.get(name);
  if (known !== undefined) return known;
  const isSensitive = isSensitiveWritten(name);
  if (isSensitiveByParameter.size < namesMax) isSensitiveByParameter.set(name, isSensitive);
  return isSensitive;
}

function isSensitiveWritten(name: string): boolean {
  const plain = squash(
    name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
  if (parameterNames.has(plain)) return true;
  const verdict = judgeName(plain);
  return verdict === 'deny' || verdict === 'deny-text' || (verdict === 'telling' && !plain.endsWith('pagetoken'));
}
