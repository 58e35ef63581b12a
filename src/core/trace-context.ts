/** The trace id of a W3C `traceparent`, 32 hex digits; `null` when there is none or it is not valid. Never throws. */
export function parseTraceparent(text: unknown): string | null {
  if (typeof text !== 'string') return null;
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/.exec(text.trim());
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return null;
  return match[1]!;
}
