import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sessionToFileName } from './file-name.ts';

const { O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_WRONLY } = constants;

/** A trace file this big is not added to; the next one has `~1` in its name. */
export const traceBytesMax = 64 * 1024 * 1024;

/**
 * Appends one line to the session's trace file, in one write: file mode 0600, folder 0700, links are not followed. Throws
 * what the file system throws; the caller sees to it that no turn is touched by it.
 */
export function appendTrace(
  place: { readonly folder: string; readonly sessionId: string | null; readonly bytesMax?: number },
  line: string,
): string {
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const bytes = Buffer.from(`${line}\n`);
  for (let rotation = 0; ; rotation += 1) {
    const file = join(place.folder, sessionToFileName(place.sessionId, rotation));
    const fd = openSync(file, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      const { size } = fstatSync(fd);
      if (size > 0 && size + bytes.length > (place.bytesMax ?? traceBytesMax)) continue;
      writeSync(fd, bytes);
      return file;
    } finally {
      closeSync(fd);
    }
  }
}
