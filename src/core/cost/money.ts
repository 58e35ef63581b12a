const nanoDigits = 9;
const decimal = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/;

/** The quotient of two non-negative whole numbers, rounded half to even. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twice = 2n * (dividend % divisor);
  if (twice > divisor || (twice === divisor && quotient % 2n === 1n)) return quotient + 1n;
  return quotient;
}

/** Decimal digits and the power of ten they are to be multiplied by; `null` when the text is no plain number. */
function toDigits(text: string): { digits: bigint; exponent: number } | null {
  const match = decimal.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** A bigint as a number; `null` past what a number holds exactly. */
export function toSafeNumber(value: bigint): number | null {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

/**
 * Nano-USD of a sum in US dollars as a provider states it, a number or its text, rounded half to even. `null` for what
 * is no sum: negative, not finite, no number, past 9 million dollars.
 */
export function usdToNanoUsd(usd: unknown): number | null {
  if (typeof usd !== 'number' && typeof usd !== 'string') return null;
  const read = toDigits(String(usd));
  if (read === null) return null;
  const exponent = read.exponent + nanoDigits;
  if (exponent >= 0) return exponent > 30 ? null : toSafeNumber(read.digits * 10n ** BigInt(exponent));
  return toSafeNumber(divideHalfEven(read.digits, 10n ** BigInt(-exponent)));
}

/** Nano-USD of a price such as `$3.75`, exactly: at most nine decimals. `null` for any other text. */
export function priceToNanoUsd(text: string): number | null {
  if (!/^\$\d+(?:\.\d{1,9})?$/.test(text)) return null;
  return usdToNanoUsd(text.slice(1));
}
