import type { Holdback } from './holdback.ts';

/** A redacted value and how many secrets of which kind it lost; `counts` is `null` when nothing was removed. */
export interface Redacted<T> {
  readonly value: T;
  readonly counts: Readonly<Record<string, number>> | null;
}

/**
 * Takes secrets out of everything before it is recorded (I4). What holds no secret comes back byte-identical. Never
 * throws: what cannot be redacted is withheld, with its size and reason in its place.
 */
export interface Redactor {
  /** Free text: credentials wherever they sit. */
  text(text: string): Redacted<string>;
  /** JSON text: denied keys lose their values, every string is scanned; the rest stays byte for byte. */
  json(text: string): Redacted<string>;
  /** Headers by lower-case name: denied ones lose their values, the others are scanned. */
  headers(headers: Readonly<Record<string, string>>): Redacted<Record<string, string>>;
  /** A URL or path: user info dropped, sensitive query values replaced. */
  url(url: string): Redacted<string>;
  /** An HTTP body by its content type: JSON, NDJSON, SSE, form, multipart or text. A cut body may end mid-document. */
  body(text: string, contentType: string | null, options?: { truncated?: boolean }): Redacted<string>;
  /**
   * The name of a caller, session, channel or end user as it is recorded: a keyed digest when pseudonyms are switched
   * on, else the name itself, which personal-data rules spare. Queries go through it too.
   */
  identifier?(name: string): Redacted<string>;
  /** A text that grows by chunks, handed on redacted while it grows. */
  holdback?(): Holdback;
  /** True when rules for places in JSON are set: then a document must be redacted whole, from its root. */
  readonly hasPaths?: boolean;
}

/** The redactor that is built in: every optional part is there. */
export type FullRedactor = Required<Redactor>;
