/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object, or `null` when it is none. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

/** The value as a text, or `null`. */
export function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The value as a text that says something, or `null`. */
export function toWords(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** The value as a finite number, or `null` (I12). */
export function toNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The value as a list; empty when it is none. */
export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** JSON text as its value; `undefined` when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Its reader knows where the text stood and says so.
    return undefined;
  }
}

/** Unix milliseconds between 2000 and 2100, or `null`: an id carries its time, and a wild one would rule its retention. */
export function toTimeMs(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : toNumber(value);
  return ms !== null && ms >= 946_684_800_000 && ms < 4_102_444_800_000 ? Math.round(ms) : null;
}
