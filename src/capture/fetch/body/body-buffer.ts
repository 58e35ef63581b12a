/** Keeps the beginning of a body and counts the rest. */
export interface BodyBuffer {
  push(chunk: Uint8Array): void;
  /** Everything that was pushed, kept or not. */
  readonly bytes: number;
  readonly isCut: boolean;
  /** What was kept, in one piece. */
  take(): Uint8Array;
}

/** A buffer that keeps at most `bytesMax` bytes. Chunks are copied: their owner may hand their memory on. */
export function createBodyBuffer(bytesMax: number): BodyBuffer {
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.byteLength;
      const room = bytesMax - keptBytes;
      if (room <= 0 || chunk.byteLength === 0) return;
      const copy = Uint8Array.prototype.slice.call(chunk, 0, room);
      kept.push(copy);
      keptBytes += copy.byteLength;
    },
    get bytes() {
      return bytes;
    },
    get isCut() {
      return bytes > keptBytes;
    },
    take: () => Buffer.concat(kept, keptBytes),
  };
}
