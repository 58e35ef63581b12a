import type { Finding } from '../edit.ts';
import { detectPem } from './pem.ts';
import type { Detect } from './sticky.ts';
import { isBoundary, matchEnd } from './sticky.ts';

/*
 * Credentials that take more than a literal and a pattern: marks inside the credential, and marks so short that what
 * follows must look like a key. Looking back is bounded.
 */
const secretKey = /sk-[A-Za-z0-9_-]{16,}/y;
const anthropicKey = /sk-ant-[A-Za-z0-9_-]{12,}/y;
const jwt = /eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3}/y;
const telegram = /:AA[A-Za-z0-9_-]{31,}/y;
const twilio = /SK[0-9a-f]{32}(?![0-9A-Za-z])/y;
const azureSecret = /\dQ~[A-Za-z0-9_.~-]{31,}/y;
const azureSigned =
  /(?:JQQJ99[A-Za-z0-9+/]{20,96}(?![A-Za-z0-9+/])|AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])|AzFu[A-Za-z0-9_-]{5}[AQgw]==|AzSe[A-D][A-Za-z0-9]{5}(?![A-Za-z0-9])|(?:ACDb|AIoT|\+ASt|\+ABa)[A-Za-z0-9+/]{5}[AQgw]==)/y;

/** `sk-` also ends words and begins names: the rest must look like a key, not like words between dashes. */
const detectSecretKey: Detect = (text, at) => {
  const anthropicEnd = matchEnd(anthropicKey, text, at);
  if (anthropicEnd > 0) return { start: at, end: anthropicEnd, kind: 'anthropic-key' };
  if (!isBoundary(text, at)) return null;
  const end = matchEnd(secretKey, text, at);
  if (end < 0) return null;
  const value = text.slice(at + 3, end);
  const isKnown = /^(?:proj|svcacct|admin|or-v1|lf)-/.test(value);
  const isKey = isKnown || /[A-Za-z0-9]{20}/.test(value) || (/\d/.test(value) && /[A-Za-z0-9]{16}/.test(value));
  return isKey ? { start: at, end, kind: value.startsWith('or-v1-') ? 'openrouter-key' : 'openai-key' } : null;
};

const detectJwt: Detect = (text, at) => {
  if (!isBoundary(text, at)) return null;
  const end = matchEnd(jwt, text, at);
  return end < 0 ? null : { start: at, end, kind: 'jwt' };
};

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isKeyCode = (code: number): boolean =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 43 || code === 47;

/** Where a run of characters that ends at a place begins, at most `max` before it. */
function runStart(text: string, at: number, max: number, has: (code: number) => boolean): number {
  let start = at;
  while (start > 0 && at - start < max && has(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

/** Number of the bot, a colon, and 35 characters that begin with `AA`. */
const detectTelegram: Detect = (text, at) => {
  const start = runStart(text, at, 12, isDigit);
  const end = at - start < 7 ? -1 : matchEnd(telegram, text, at);
  return end < 0 ? null : { start, end, kind: 'telegram-token' };
};

/** A client secret: three characters, a digit and `Q~`, then 31 to 34 characters. */
const detectAzureSecret: Detect = (text, at) => {
  const start = runStart(text, at, 3, (code) => isKeyCode(code) || code === 95 || code === 46 || code === 45);
  const end = at - start < 3 ? -1 : matchEnd(azureSecret, text, at);
  return end < 0 ? null : { start, end, kind: 'azure-secret' };
};

/** Keys that Azure signs in their midst: long base64 around a fixed word. */
const detectAzureKey: Detect = (text, at) => {
  const end = matchEnd(azureSigned, text, at);
  const start = end < 0 ? at : runStart(text, at, 80, isKeyCode);
  // A longer run is no key; were its end taken, the rest would end in another one.
  return at - start < 20 || at - start >= 80 ? null : { start, end, kind: 'azure-key' };
};

function detectBounded(pattern: RegExp, kind: string): Detect {
  return (text, at) => {
    const end = isBoundary(text, at) ? matchEnd(pattern, text, at) : -1;
    return end < 0 ? null : ({ start: at, end, kind } satisfies Finding);
  };
}

/** Marks, and what looks at them. */
export const specials: readonly { readonly marks: readonly string[]; readonly detect: Detect }[] = [
  { marks: ['sk-'], detect: detectSecretKey },
  { marks: ['eyJ'], detect: detectJwt },
  { marks: ['-----BEGIN'], detect: detectPem },
  { marks: [':AA'], detect: detectTelegram },
  { marks: [...'0123456789abcdef'].map((digit) => `SK${digit}`), detect: detectBounded(twilio, 'twilio-key') },
  { marks: [...'0123456789'].map((digit) => `${digit}Q~`), detect: detectAzureSecret },
  { marks: ['JQQJ99', 'AZDO', 'AzFu', 'AzSe', 'ACDb', 'AIoT', '+ASt', '+ABa'], detect: detectAzureKey },
];
