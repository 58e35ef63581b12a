import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRecorder } from '../../src/journal/index.ts';
import type { OpenRecorderOptions } from '../../src/journal/index.ts';
import type { Recorder } from '../../src/core/record/recording.ts';

/** A home in a folder of its own. */
export interface TemporaryHome {
  readonly home: string;
  recorder(options?: Omit<OpenRecorderOptions, 'home'>): Recorder;
  remove(): void;
}

/** A fresh home under the system's temporary folder. */
export function createTemporaryHome(): TemporaryHome {
  const home = mkdtempSync(join(tmpdir(), 'tachograph-'));
  return {
    home,
    // On a machine that is busy a write may take longer than the bound, and what follows waits in memory: a test that
    // looks at the journal at once would not find it.
    recorder: (options = {}) => openRecorder({ ...options, limits: { writeMs: 10_000, ...options.limits }, home }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Every file below a folder. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

/** Files below a folder in whose raw bytes the word occurs. */
export function filesWith(folder: string, word: string): string[] {
  return listFiles(folder).filter((file) => readFileSync(file).includes(word));
}
