import type { KeyJudge, KeyVerdict } from '../keys.ts';
import type { Span } from './walk.ts';

/*
 * Names that are values themselves, beside the value they name:
 *
 *     ["--password", "x"]      {"name": "password", "value": "x"}      ["authorization", "Bearer x"]
 */

const namingKeys = new Set(['name', 'key', 'header', 'field', 'variable', 'param', 'id']);
const valueKeys = new Set(['value', 'values', 'val']);
const headerNames = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'api-key']);
const flag = /^--?[A-Za-z][\w-]{1,60}$/;
/** Flags too short to be telling elsewhere. */
const passwordFlag = /^--?(?:pass|pw|passcode|passwd|pwd)$/i;
const keyFlag = /^--?(?:key|auth|jwt|sig|sas)$/i;
/** `-u name:password`; a pair of numbers is an owner, an address no pair. */
const userFlag = /^(?:-u|-U|--user|--proxy-user|--auth|--basic-auth|--userpwd|--creds?)$/;
const userPair = /^[^\s:/"]{0,64}:(?!\\?\/)(?!\d{1,9}$)[^\s]{3,}$/;

/** Remembers the last string of a walk and says what it makes of what follows it. */
export interface Neighbours {
  /** A key begins; the verdict its value gets when the string before it was its name, else `keep`. */
  key(name: string, span: Span): KeyVerdict;
  /** A string value; the verdict it gets when the string before it was a flag or the name of a header. */
  string(span: Span): KeyVerdict;
}

/** Neighbours in one text. */
export function createNeighbours(text: string, judge: KeyJudge): Neighbours {
  let last: Span | null = null;
  let keyOfLast = '';
  let key = '';
  /** True when nothing but a comma stands between the last string and the opening quote of this one. */
  const isNext = (span: Span): boolean =>
    last !== null && span.start - last.end < 40 && /^"\s*,\s*"$/.test(text.slice(last.end, span.start));
  const asDenied = (name: string): KeyVerdict => {
    const verdict = judge.judge(name);
    return verdict === 'telling' || verdict === 'deny-text' ? 'deny' : verdict;
  };
  return {
    key(name, span) {
      key = name;
      if (last === null || !valueKeys.has(name) || !namingKeys.has(keyOfLast.toLowerCase()) || !isNext(span))
        return 'keep';
      return asDenied(text.slice(last.start, Math.min(last.end, last.start + 128)));
    },
    string(span) {
      const before = last;
      const isFirstOfKey = key !== '';
      const mayFollow = before !== null && !isFirstOfKey && isNext(span);
      last = span;
      keyOfLast = key;
      key = '';
      if (!mayFollow || before.end - before.start > 62) return 'keep';
      const name = text.slice(before.start, before.end);
      if (headerNames.has(name.toLowerCase())) return 'deny';
      if (text.charCodeAt(span.start) === 45) return 'keep';
      if (userFlag.test(name) && userPair.test(text.slice(span.start, Math.min(span.end, span.start + 256))))
        return 'deny';
      if (!flag.test(name)) return 'keep';
      if (passwordFlag.test(name)) return 'deny';
      return keyFlag.test(name) ? 'telling' : asDenied(name);
    },
  };
}
