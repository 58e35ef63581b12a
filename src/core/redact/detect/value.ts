/** Shannon entropy of a text in bits per character; only its first 256 characters count. */
export function entropyOf(text: string): number {
  const length = Math.min(text.length, 256);
  const countByCode = new Map<number, number>();
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    countByCode.set(code, (countByCode.get(code) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of countByCode.values()) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

const piece = /[a-z]+|[A-Z][a-z]+|[A-Z]+|\d+/g;
const digest = /^(?:sha\d{1,3}|md5)[-:]|^[0-9a-f]{7}$/i;

/** Mean length of the words and numbers a value falls into: a random one changes its alphabet at every second place. */
function meanPiece(value: string): number {
  const pieces = value.slice(0, 256).match(piece) ?? [];
  return pieces.join('').length / Math.max(1, pieces.length);
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
