import * as fs from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import type { UpkeepState } from '../../core/life/upkeep.ts';
import type { Keeper } from '../../indexer/index.ts';
import { createKeeper } from '../../indexer/index.ts';
import {
  listJournals,
  listQuarantine,
  projectToFolder,
  removeQuarantined,
  watchSettings,
} from '../../journal/index.ts';
import { readSqliteBytes } from '../../stores/sqlite/index.ts';
import { importedAtMs } from '../export/origin-shelf.ts';
import { storeName } from '../database.ts';
import type { OpenedHome } from '../open.ts';

const stateFile = (home: string): string => join(home, 'upkeep.json');

/** Keeps the state of the upkeep where other processes can see it. */
function writeUpkeep(home: string, state: UpkeepState): void {
  const draft = `${stateFile(home)}.${process.pid}.tmp`;
  fs.writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
  fs.renameSync(draft, stateFile(home));
}

/** The upkeep's state as the last server of this home left it; `null` when none ever has, or it cannot be read. */
export function readUpkeep(home: string): UpkeepState | null {
  try {
    const state = JSON.parse(fs.readFileSync(stateFile(home), 'utf8')) as UpkeepState | null;
    return typeof state === 'object' ? state : null;
  } catch {
    // Not there yet, or half written by another version: the next pass writes it anew.
    return null;
  }
}

/** Bytes of a home: the store without its free pages and its log (at most 64 MiB), journals and quarantine. */
export function readUsedBytes(home: string): number {
  const files = [...listJournals(home), ...listQuarantine(home)];
  return files.reduce((sum, { bytes }) => sum + bytes, readSqliteBytes(join(home, storeName)));
}

function dropQuarantine(home: string, projectId: string, beforeMs: number): void {
  const folder = `${projectToFolder(projectId)}/`;
  for (const { file, name, modifiedAtMs } of listQuarantine(home))
    if (name.startsWith(folder) && modifiedAtMs < beforeMs) removeQuarantined(file);
}

/** The keeper of an opened home, for a process that stays: retention, sampling and quota as its settings say. */
export function createUpkeep(
  opened: OpenedHome,
  options: {
    readonly onError: (error: unknown) => void;
    readonly onState?: (state: UpkeepState) => void;
    readonly everyMs?: number;
  },
): Keeper {
  const { home } = opened;
  return createKeeper({
    store: opened.store,
    indexer: opened.indexer,
    clock: systemClock,
    readSettings: watchSettings({ home, clock: systemClock }),
    readUsedBytes: () => readUsedBytes(home),
    isKept: (projectId, runId, beforeMs) => (importedAtMs(home, { projectId, runId }) ?? -1) >= beforeMs,
    dropQuarantine: (projectId, beforeMs) => dropQuarantine(home, projectId, beforeMs),
    onState(state) {
      writeUpkeep(home, state);
      options.onState?.(state);
    },
    onError: options.onError,
    ...(options.everyMs === undefined ? {} : { everyMs: options.everyMs }),
  });
}
