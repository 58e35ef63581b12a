const digest = /^(?:sha\d{1,3}|md5)[-:]|^[0-9a-f]{7}$/i;
const judgedCharsMax = 256;

/** Shannon entropy of a text in bits per character; only its first 256 characters count. */
export function entropyOf(text: string): number {
  const length = Math.min(text.length, judgedCharsMax);
  const countByCode = new Uint16Array(128);
  const countByOtherCode = new Map<number, number>();
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 128) countByCode[code]! += 1;
    else countByOtherCode.set(code, (countByOtherCode.get(code) ?? 0) + 1);
  }
  let bits = 0;
  const add = (count: number): void => {
    if (count > 0) bits -= (count / length) * Math.log2(count / length);
  };
  countByCode.forEach(add);
  countByOtherCode.forEach(add);
  return bits;
}

/** 1 for a small letter, 2 for a capital one, 3 for a digit, 0 for anything else. */
function alphabetOf(code: number): number {
  if (code >= 97 && code <= 122) return 1;
  if (code >= 65 && code <= 90) return 2;
  return code >= 48 && code <= 57 ? 3 : 0;
}

/**
 * Mean length of the words and numbers a value falls into: a random one changes its alphabet at every second place. A
 * capital letter belongs to the small ones behind it.
 */
function meanPiece(value: string): number {
  const length = Math.min(value.length, judgedCharsMax);
  let pieces = 0;
  let chars = 0;
  let before = 0;
  let capitals = 0;
  for (let at = 0; at < length; at += 1) {
    const alphabet = alphabetOf(value.charCodeAt(at));
    if (alphabet !== 0) chars += 1;
    if (alphabet !== before && alphabet !== 0 && !(alphabet === 1 && capitals === 1)) pieces += 1;
    capitals = alphabet === 2 ? capitals + 1 : 0;
    before = alphabet;
  }
  return chars / Math.max(1, pieces);
}

/** True for a value that looks made by a machine: long, mixed and of high entropy, without being made of words. */
export function isRandomLooking(value: string): boolean {
  if (value.length < 16 || /\s/.test(value) || digest.test(value)) return false;
  const isMixed = /[A-Za-z]/.test(value) && (/\d/.test(value) || (value.length >= 20 && /[a-z][A-Z]/.test(value)));
  return isMixed && meanPiece(value) < 3.4 && entropyOf(value) >= 3;
}

/** True for a password: letters with a digit or with a sign that words do not have. */
export function isPasswordLike(value: string): boolean {
  return /[A-Za-z]/.test(value) && (/\d/.test(value) || /[!@#$%^*+~?]/.test(value));
}
