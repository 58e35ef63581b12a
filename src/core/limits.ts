/** Every bound of a recording, with its unit in its name. A recorder takes a partial one and fills the rest. */
export interface Limits {
  /** A write slower than this sends the following ones to the background (I1). */
  readonly writeMs: number;
  /** Bytes kept in memory while the disk is slow or failing; past it records are dropped and counted. */
  readonly backlogBytesMax: number;
  /** A response body past this is cut, flagged, and its full size noted. */
  readonly bodyBytesMax: number;
  /** Read past the cap so that a secret lying across it is seen whole. */
  readonly bodyOverlapBytes: number;
  /** Preview of a step's text in views. */
  readonly stepPreviewBytes: number;
  /** Preview of a tool's result in views. */
  readonly toolPreviewBytes: number;
  /** Length of `errorDetail` of a run, in characters. */
  readonly errorDetailCharsMax: number;
  /** Draining a body nobody reads any more stops here. */
  readonly drainBytesMax: number;
  /**
   * A recorder that cannot be seen and gave no sign of life for so long counts as gone; with runs open, it gives one at
   * least twice as often.
   */
  readonly staleMs: number;
  /** Objects whose digests are remembered per epoch before the memory is started afresh. */
  readonly knownContentsMax: number;
}

/** The bounds in force unless the caller says otherwise. */
export const defaultLimits: Limits = {
  writeMs: 50,
  backlogBytesMax: 64 * 1024 * 1024,
  bodyBytesMax: 50_000,
  bodyOverlapBytes: 4096,
  stepPreviewBytes: 2000,
  toolPreviewBytes: 4000,
  errorDetailCharsMax: 500,
  drainBytesMax: 64 * 1024,
  staleMs: 5 * 60_000,
  knownContentsMax: 200_000,
};

/**
 * Cuts `text` to at most `bytesMax` UTF-8 bytes without splitting a character and appends `…[+N bytes]`,
 * which is not counted. Shorter text comes back as it is.
 */
export function truncateBytes(text: string, bytesMax: number): string {
  if (text.length <= bytesMax / 3) return text;
  const total = Buffer.byteLength(text);
  if (total <= bytesMax) return text;
  const bytes = Buffer.from(text);
  let end = bytesMax;
  // 10xxxxxx marks the inside of a character: step back to where one begins.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…[+${total - end} bytes]`;
}
