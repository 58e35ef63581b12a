import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { StoredEvent } from '../../../src/core/store.ts';
import { openTachograph } from '../../../src/cli/open.ts';
import type { Frame, WholeFile } from './frames.ts';
import { readWholeFile } from './frames.ts';
import type { Told } from './tape.ts';

/** A journal file as its program left it. */
export interface TapeFile {
  readonly name: string;
  readonly writerId: string;
  readonly bytes: Buffer;
  readonly whole: WholeFile;
  /** How far the store had read it when its program died. */
  readonly importedBytes: number;
}

/** A home that a program left when it died, with all that the program wrote down elsewhere. */
export interface Scene {
  readonly home: string;
  readonly tapes: readonly TapeFile[];
  readonly told: readonly Told[];
  readonly runIds: readonly string[];
  /** What the store had of each run when the program died. */
  readonly eventsBefore: ReadonlyMap<string, readonly StoredEvent[]>;
}

/** What has become of a file: what follows `bytes` is gone, or zeros, or other bytes up to the end of the record that was hit. */
export interface Cut {
  readonly tape: TapeFile;
  readonly bytes: number;
  readonly kind: 'short' | 'zeros' | 'hole';
}

/** A program of this folder that is under way. */
export interface Player {
  /** Resolves when it says its first word. */
  readonly firstWord: Promise<unknown>;
  /** Resolves when it has killed itself, and rejects when it came to another end. */
  readonly death: Promise<void>;
  wake(): void;
  /** For a test that failed before. */
  kill(): void;
}

/** Starts a program of this folder. */
export function startPlayer(program: string, orders: object): Player {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PREFIX_ORDERS: JSON.stringify(orders) },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const death = once(child, 'close').then(([code, signal]: unknown[]) => {
    if (signal !== 'SIGKILL') throw new Error(`${program} ended with ${String(code)}: ${errors}`);
  });
  const firstWord = Promise.race([once(child.stdout, 'data'), death]);
  return { firstWord, death, wake: () => void child.kill('SIGCONT'), kill: () => void child.kill('SIGKILL') };
}

const folderOf = (home: string): string => join(home, 'journal', 'default');

/** A fresh copy of what a scene has besides its journals. */
export function copyHome(scene: Pick<Scene, 'home'>, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(folderOf(to), { recursive: true, mode: 0o700 });
  for (const part of ['tachograph.db', 'keys', 'generation', 'done', 'done.keys']) {
    const from = join(scene.home, part);
    if (existsSync(from)) cpSync(from, join(to, part), { recursive: true });
  }
}

async function readBefore(
  home: string,
  runIds: readonly string[],
): Promise<{ eventsBefore: Map<string, readonly StoredEvent[]>; positions: Map<string, number> }> {
  const copy = `${home}-before`;
  copyHome({ home }, copy);
  const opened = await openTachograph({ home: copy, variables: {} });
  try {
    const known = new Map<string, readonly StoredEvent[]>();
    for (const runId of runIds) {
      // What a transition wrote waits in the store until somebody files it.
      await opened.store.work!.file('default', runId);
      const ids = await opened.store.findRunIds('default', runId, 1);
      known.set(runId, ids.length === 0 ? [] : await opened.store.listEvents('default', runId));
    }
    const positions = await opened.store.journalPositions();
    return { eventsBefore: known, positions: new Map(positions.map(({ file, bytes }) => [basename(file), bytes])) };
  } finally {
    await opened.close();
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What a program that is dead has left. */
export async function readScene(home: string): Promise<Scene> {
  // What stands in the log of the store's file goes into the file itself, which is copied often.
  const database = new DatabaseSync(join(home, 'tachograph.db'));
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  mkdirSync(folderOf(home), { recursive: true, mode: 0o700 });
  const names = readdirSync(folderOf(home)).filter((name) => name.endsWith('.tgj'));
  const lines = readFileSync(join(home, 'ledger'), 'utf8').trim().split('\n');
  const told = lines.map((line) => JSON.parse(line) as Told);
  const runIds = [...new Set(told.map(({ runId }) => runId))];
  const { eventsBefore, positions } = await readBefore(home, runIds);
  const tapes = names.toSorted().map((name): TapeFile => {
    const bytes = readFileSync(join(folderOf(home), name));
    const writerId = name.slice(-20, -4);
    return { name, writerId, bytes, whole: readWholeFile(bytes), importedBytes: positions.get(name) ?? 0 };
  });
  return { home, tapes, told, runIds, eventsBefore };
}

/** The same scene as far as these files go. */
export function narrowScene(scene: Scene, tapes: readonly TapeFile[]): Scene {
  const runIds = new Set(tapes.flatMap(({ whole }) => whole.frames.map(({ runId }) => runId)));
  return { ...scene, tapes, runIds: [...runIds] };
}

/** The record in which a hole begins, or that it takes as a whole; `null` when it is in the file's head or behind all. */
export function hitFrame({ tape, bytes }: Cut): Frame | null {
  if (bytes < tape.whole.headBytes) return null;
  return tape.whole.frames.find(({ endBytes }) => endBytes > bytes) ?? null;
}

/** A file cut at a place; zeros that follow anyway are none of the cut's. */
export function cutAt(tape: TapeFile, bytes: number, kind: Cut['kind']): Cut {
  let from = bytes;
  while (kind === 'zeros' && tape.bytes[from] === 0) from += 1;
  return { tape, bytes: from, kind };
}

function cutBytes(cut: Cut): Buffer {
  const { tape, bytes, kind } = cut;
  if (kind === 'short') return tape.bytes.subarray(0, bytes);
  const changed = Buffer.from(tape.bytes);
  if (kind === 'zeros') return changed.fill(0, bytes);
  const end = hitFrame(cut)?.endBytes ?? tape.whole.headBytes;
  // Each byte is another one than it was.
  for (let at = bytes; at < end; at += 1) changed[at] = changed[at]! ^ 0xff;
  return changed;
}

/** Makes a home of a scene's in which these files are cut, and all others are missing. */
export function placeCuts(scene: Scene, home: string, cuts: readonly Cut[]): void {
  copyHome(scene, home);
  putFiles(home, cuts);
}

/** Puts files into the journal of a home as they were cut. */
export function putFiles(home: string, cuts: readonly Cut[]): void {
  for (const cut of cuts) writeFileSync(join(folderOf(home), cut.tape.name), cutBytes(cut), { mode: 0o600 });
}

/** Journal files that are still there. */
export const filesLeft = (home: string): string[] =>
  readdirSync(folderOf(home)).filter((name) => name.endsWith('.tgj'));
