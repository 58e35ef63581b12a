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
}
