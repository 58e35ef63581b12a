import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

/** Undoes a content encoding as bytes come. Output past the bound, and what follows a broken place, is not given. */
export interface ContentDecoder {
  push(chunk: Uint8Array): void;
  /** No more will come; `onEnd` is called once all that could be decoded has been given. */
  end(onEnd: () => void): void;
}

/** Decoding stops here: a small body can unpack to gigabytes. */
const decodedBytesMax = 32 * 1024 * 1024;

function createTransform(encoding: string): Transform | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip({ finishFlush: zlib.constants.Z_SYNC_FLUSH });
    case 'deflate':
      return zlib.createInflate({ finishFlush: zlib.constants.Z_SYNC_FLUSH });
    case 'br':
      return zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      return zlib.createZstdDecompress({ finishFlush: zlib.constants.ZSTD_e_flush });
    default:
      return null;
  }
}

/** A decoder for a `content-encoding`; `null` for none and for one that is not known. */
export function createContentDecoder(encoding: string, onBytes: (bytes: Uint8Array) => void): ContentDecoder | null {
  const transform = createTransform(encoding.trim().toLowerCase());
  if (transform === null) return null;
  let bytes = 0;
  let isBroken = false;
  let onEnd: (() => void) | null = null;

  const done = (): void => {
    const told = onEnd;
    onEnd = null;
    told?.();
  };
  transform.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes <= decodedBytesMax) return onBytes(chunk);
    isBroken = true;
    transform.destroy();
  });
  // Cut or damaged bodies end here; what came before stands.
  transform.on('error', () => {
    isBroken = true;
  });
  transform.on('close', done);
  transform.on('end', done);

  return {
    push(chunk) {
      if (!isBroken) transform.write(Uint8Array.prototype.slice.call(chunk));
    },
    end(told) {
      onEnd = told;
      if (isBroken || transform.destroyed) done();
      else transform.end();
    },
  };
}

/** True when the encoding leaves the bytes as they are. */
export function isIdentity(encoding: string | undefined): boolean {
  return encoding === undefined || encoding.trim() === '' || encoding.trim().toLowerCase() === 'identity';
}
