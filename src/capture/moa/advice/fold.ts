/** True between the two halves of one character. */
function isInsidePair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/**
 * A text of at most `charsMax` characters: longer ones keep their head and their tail, with a note between them of how
 * many were left out, which is not counted. No character is cut in two.
 */
export function foldText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  let head = Math.ceil(charsMax / 2);
  let tail = text.length - Math.floor(charsMax / 2);
  if (isInsidePair(text, head)) head -= 1;
  if (isInsidePair(text, tail)) tail += 1;
  return `${text.slice(0, head)}\n[… ${tail - head} characters left out …]\n${text.slice(tail)}`;
}
