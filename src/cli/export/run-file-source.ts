import { createReadStream, existsSync, statSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { TachographError } from '../../core/error.ts';
import { pageToRunFiles } from './page.ts';

/** Run files in one file: a run file, one under zstd, or a page, which may hold several. */
export interface RunFileSource {
  /** What messages call it. */
  readonly name: string;
  /** Its bytes, from the beginning each time. */
  read(): AsyncIterable<Uint8Array>;
}

/** True when what a person gave can be no run, which is hex digits and dashes, or "last": then it is meant as a file. */
export function isFileReference(reference: string): boolean {
  return !/^(last|[0-9a-f-]{1,36})$/i.test(reference);
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function* decompress(packed: Readable, unpack: Duplex, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* packed.pipe(unpack) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new TachographError('export-foreign', `${name} cannot be decompressed: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Opens what holds run files. `export-foreign` for a page without one; `bad-argument` when there is no such file. */
export async function openRunFiles(path: string): Promise<readonly RunFileSource[]> {
  if (!existsSync(path) || !statSync(path).isFile())
    throw new TachographError(
      'bad-argument',
      `There is no file ${JSON.stringify(path)}: give an id, the beginning of one, "last", or a run file that is there.`,
    );
  const name = basename(path);
  const start = await readStart(path);
  if (start.subarray(0, 4).equals(zstdMagic)) {
    return [{ name, read: () => decompress(createReadStream(path), createZstdDecompress(), name) }];
  }
  if (!/^\s*<!doctype html/i.test(start.toString('latin1')))
    return [{ name, read: () => createReadStream(path) as AsyncIterable<Uint8Array> }];
  const packed = pageToRunFiles(await readFile(path, 'latin1'));
  if (packed.length === 0)
    throw new TachographError(
      'export-foreign',
      `${name} is a page without a run file in it; tachograph export --html writes one.`,
    );
  return packed.map((bytes, index) => {
    const inside = packed.length === 1 ? name : `${name} (run file ${index + 1})`;
    return { name: inside, read: () => decompress(Readable.from([bytes]), createGunzip(), inside) };
  });
}
