import { randomBytes } from 'node:crypto';
import { createRedactor } from '../../core/redact/create.ts';

/**
 * Whose eyes personal data is kept from. `off`: nobody's, only credentials are taken out of record and trace (I4).
 * `display`: out of record and trace too. `full`: also out of what the models of the turn read.
 */
export type PrivacyMode = 'off' | 'display' | 'full';

/** Takes out of values what a privacy mode keeps from their readers. */
export interface Privacy {
  readonly mode: PrivacyMode;
  /** What goes into the record; credentials are the recorder's own care. */
  record<T>(value: T): T;
  /** What a model of the turn reads. */
  read<T>(value: T): T;
  /** A line of JSON that goes into a trace: credentials in every mode (I4). */
  line(json: string): string;
}

/** A value with every text in it replaced; bytes, dates and other objects that are no plain ones stay as they are. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return (value as unknown[]).map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]));
}

const same = <T>(value: T): T => value;

/** The privacy of one mixture. Placeholders are digests under `key`, 32 bytes; one of its own when left out. */
export function createPrivacy(mode: PrivacyMode, key: Uint8Array = randomBytes(32)): Privacy {
  const redactor = createRedactor({ key, personal: mode !== 'off' });
  const withoutPersonal = <T>(value: T): T => mapTexts(value, (text) => redactor.text(text).value) as T;
  return {
    mode,
    record: mode === 'off' ? same : withoutPersonal,
    read: mode === 'full' ? withoutPersonal : same,
    line: (json) => redactor.json(json).value,
  };
}
