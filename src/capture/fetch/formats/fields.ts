/** A JSON object as it came from outside: nothing about it is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object, or `null` when it is none. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** The value as text, or `null`. */
export function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A count that was reported; anything but a finite number was not (I12). */
export function toCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The objects of a list; what is no object, and what is no list, is left out. */
export function toFieldsList(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return [];
  return value.map(toFields).filter((item) => item !== null);
}

/** JSON of a text, or `undefined` when it is none. Never throws. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
