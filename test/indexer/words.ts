import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdDecompressSync } from 'node:zlib';
import { listFiles } from './home.ts';

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function isIn(value: unknown, word: string): boolean {
  if (typeof value === 'string') return value.includes(word);
  if (!(value instanceof Uint8Array)) return false;
  const bytes = Buffer.from(value);
  if (bytes.includes(word)) return true;
  return bytes.subarray(0, 4).equals(zstdMagic) && zstdDecompressSync(bytes).includes(word);
}

function placesInDatabase(file: string, word: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = db
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all() as { name: string; sql: string }[];
    return tables.flatMap(({ name, sql }) => {
      if (/^CREATE VIRTUAL/i.test(sql)) {
        const { count } = db
          .prepare(`SELECT count(*) AS count FROM ${name} WHERE ${name} MATCH ?`)
          .get(`"${word}"`) as {
          count: number;
        };
        return count > 0 ? [`index ${name}`] : [];
      }
      const rows = db.prepare(`SELECT * FROM ${name}`).all();
      return rows.some((row) => Object.values(row).some((value) => isIn(value, word))) ? [`table ${name}`] : [];
    });
  } finally {
    db.close();
  }
}

/**
 * Where below a home a word stands: files by their raw bytes, tables by their values with what is compressed unpacked,
 * indexes by asking them. A word must be one that the index takes for one word.
 */
export function placesOfWord(home: string, word: string): string[] {
  const files = listFiles(home).filter((file) => readFileSync(file).includes(word));
  return [...files, ...placesInDatabase(join(home, 'tachograph.db'), word)];
}
