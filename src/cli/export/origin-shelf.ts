import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { RunFileLine } from '../../core/run-file/line.ts';
import { lineToText } from '../../core/run-file/line.ts';
import { parseLine } from '../../core/run-file/line-reading.ts';
import type { RunOrigin } from '../../core/run-file/writer.ts';
import { TachographError } from '../../core/error.ts';
import { projectToFolder } from '../../journal/index.ts';

// origins/<project>/<run>.origin in the home: the lines of a run file that are no part of the record (its first one, its
// seals, its last one), so that what was imported can be checked by the key of its origin for ever. No words are in it.

function originFile(home: string, run: { projectId: string; runId: string }): string {
  return join(home, 'origins', projectToFolder(run.projectId), `${run.runId}.origin`);
}

/** When a run was imported, Unix milliseconds; `null` for one that was recorded here. */
export function importedAtMs(home: string, run: { projectId: string; runId: string }): number | null {
  return statSync(originFile(home, run), { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** Where a run came from, or `null` for one that was recorded here. Throws `store-broken` for what cannot be read. */
export function readOrigin(home: string, run: { projectId: string; runId: string }): RunOrigin | null {
  const file = originFile(home, run);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TachographError('home-unusable', `The origin ${file} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  try {
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => parseLine(Buffer.from(line)));
    const [first, last] = [lines[0], lines.at(-1)];
    if (first?.kind !== 'manifest' || last?.kind !== 'end') throw new Error('its lines are not those of an origin');
    const seals = lines.flatMap((line) => (line.kind === 'seal' ? [line.seal] : []));
    return { projectId: first.manifest.projectId, seals, closing: last.closing };
  } catch (cause) {
    throw new TachographError(
      'store-broken',
      `The origin ${file} cannot be read: ${(cause as Error).message}. Import the run file once more, or remove the file.`,
      { cause },
    );
  }
}

/** Keeps where a run came from, in place of what was kept before. */
export function writeOrigin(home: string, run: { projectId: string; runId: string }, origin: RunOrigin): void {
  const { projectId, seals, closing } = origin;
  const manifest = { projectId, runId: run.runId, rootRunId: run.runId, writers: [], seals: seals.length };
  const lines: RunFileLine[] = [
    { kind: 'manifest', manifest },
    ...seals.map((seal): RunFileLine => ({ kind: 'seal', seal })),
    { kind: 'end', closing },
  ];
  const file = originFile(home, run);
  const draft = `${file}.${process.pid}.tmp`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(draft, lines.map((line) => `${lineToText(line)}\n`).join(''), { mode: 0o600, flush: true });
  renameSync(draft, file);
}
