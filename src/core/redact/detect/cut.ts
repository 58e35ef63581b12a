import { decodeEscapes, nextEncoded } from './encoded.ts';
import { rows } from './marked.ts';
import { isBoundary } from './sticky.ts';
import { isRandomLooking } from './value.ts';

/*
 * The end of a text that was cut: what is left there of a credential is too little for its detector.
 */

/** Marks that also begin plain words, and say nothing when nothing follows them. */
const plainMarks = new Set([
  'key-',
  'api-',
  'sdk-',
  're_',
  'pk_',
  'ak_',
  'EAAA',
  'AAAA',
  'prod:',
  'secret_',
  'organizations/',
]);
const cutMarks = rows.filter(({ mark }) => !plainMarks.has(mark) && (mark.length > 3 || mark.endsWith('_')));
const cutKey =
  /(?:^|[^A-Za-z0-9_-])(sk-(?:(?:ant|proj|or|admin|svcacct)-)?[A-Za-z0-9_-]*|eyJ[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_-]*)$/;

const wordCharsMax = 256;
const addressCharsMax = 2048;
const blockCharsMax = 65_536;

/** `scheme://user:pass`, or as much of a user as looks random. What stands before the word is no part of it. */
const address = /([a-z][a-z0-9+.-]{0,19}):\\?\/\\?\/([^/?#@\s"'<>`\\:]{0,256})(:([^/?#@\s"'<>`\\]*))?$/i;
/** A key block that has begun and of which nothing but lines of its own follow. */
const block =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:\\{1,4}[nr]|\s){1,8}[A-Za-z][A-Za-z-]{0,30}: [^\r\n\\]{0,120}){0,6}(?:\\{1,4}[nr]?|%[0-9A-Fa-f]{0,2}|[A-Za-z0-9+/=\r\n\t])*(?:-[-A-Z ]*)?$/y;

/** Where a mark stands whose credential is not whole. Looks at the last word only. */
function markAt(text: string): number {
  const word = /[A-Za-z0-9_.~%+/$=-]+$/.exec(text.slice(-wordCharsMax))?.[0] ?? '';
  const wordAt = text.length - word.length;
  const places = cutMarks.flatMap(({ mark, isAnywhere }) => {
    const at = word.lastIndexOf(mark);
    return at >= 0 && (isAnywhere || isBoundary(text, wordAt + at)) ? [wordAt + at] : [];
  });
  const secretKey = cutKey.exec(text.slice(-wordCharsMax));
  if (secretKey !== null) places.push(text.length - secretKey[1]!.length);
  return places.length === 0 ? -1 : Math.min(...places);
}

/** Where the password of an address stands whose end, and the `@` with it, is cut off; a port stays. */
function passwordAt(text: string): number {
  const found = address.exec(text);
  if (found === null) return -1;
  const [, , user, rest, password] = found;
  // A placeholder has a colon too.
  if (/^\[REDACTED:[a-z0-9-]{1,60}:[0-9a-f]{8}\]$/.test(`${user}${rest ?? ''}`)) return -1;
  if (password === undefined) return isRandomLooking(user!) && !user!.includes('.') ? text.length - user!.length : -1;
  if (password === '' || password.startsWith('[REDACTED') || (user !== '' && /^\d{1,5}$/.test(password))) return -1;
  return text.length - rest!.length + 1;
}

function blockAt(text: string): number {
  const at = text.lastIndexOf('-----BEGIN');
  if (at < 0 || text.length - at > blockCharsMax) return -1;
  block.lastIndex = at;
  return block.test(text) && !/PRIVATE KEY(?: BLOCK)?-----$/.test(text) ? at : -1;
}

const isWordCode = (code: number): boolean => code > 32 && code !== 34 && code !== 39 && code !== 60 && code !== 62;

/** The last word of a text, its escapes read, and where its characters stand in the text. */
function lastWord(text: string): { word: string; placeOf: (at: number) => number } {
  let at = text.length;
  while (at > 0 && text.length - at < addressCharsMax && isWordCode(text.charCodeAt(at - 1))) at -= 1;
  const decoded = decodeEscapes(text.slice(at));
  return { word: decoded.text, placeOf: (place) => at + decoded.rawAt(place) };
}

/** The place of base64 at the very end whose text ends in a credential that is cut. */
function encodedAt(word: string): number {
  for (let span = nextEncoded(word, 0); span !== null; span = nextEncoded(word, span.end)) {
    if (span.end < word.length - 3) continue;
    const plain = Buffer.from(word.slice(span.start, span.end), span.isHex ? 'hex' : 'base64').toString('latin1');
    if (Math.max(markAt(plain), passwordAt(plain)) >= 0) return span.start;
  }
  return -1;
}

/**
 * The place of a credential that the end of a cut text went through, or -1: of a known mark, of the password of an
 * address, of a private key; also where escapes or base64 hide it. Looks at the last word, and back to the last key
 * block.
 */
export function cutMarkAt(text: string): number {
  const { word, placeOf } = lastWord(text);
  const inWord = [markAt(word), passwordAt(word), encodedAt(word)].filter((place) => place >= 0);
  const places = inWord.map(placeOf);
  for (const place of [markAt(text), blockAt(text)]) if (place >= 0) places.push(place);
  return places.length === 0 ? -1 : Math.min(...places);
}
