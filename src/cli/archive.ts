import { mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { isTachographError } from '../core/error.ts';
import type { Archive, ArchiveFile, BrokenFile } from '../indexer/index.ts';
import {
  bumpGeneration,
  copyAside,
  eraseFromJournals,
  isProcessAlive,
  listJournals,
  quarantineJournal,
  readJournal,
  removeJournalAt,
  writeAck,
} from '../journal/index.ts';

/** The journals of a home in the form the indexer is handed. */
export function createArchive(home: string): Archive {
  return {
    list() {
      const files: ArchiveFile[] = [];
      const broken: BrokenFile[] = [];
      for (const found of listJournals(home)) {
        if (found.header === null) {
          if (found.error !== null)
            broken.push({
              file: found.file,
              cause: found.error.message,
              isLeft: found.error.code !== 'journal-broken',
            });
          continue;
        }
        files.push({
          file: found.file,
          name: found.name,
          projectId: found.header.projectId,
          identity: found.header.identity,
          bytes: found.bytes,
          modifiedAtMs: found.modifiedAtMs,
        });
      }
      return { files, broken };
    },
    read(file, fromBytes, bytesMax) {
      const part = readJournal(file, fromBytes, { maxBytes: bytesMax });
      return {
        entries: part.entries,
        regions: part.places.map(({ offset, bytes }) => ({ atBytes: offset, bytes })),
        nextBytes: part.nextBytes,
        damage: part.damage.map(({ offset, bytes, cause }) => ({
          atBytes: offset,
          bytes,
          cause: cause === 'checksum' ? 'the checksum does not match' : 'the checksum matches, but it is no entry',
        })),
        end: part.end,
      };
    },
    processState: isProcessAlive,
    acknowledge: writeAck,
    remove: removeJournalAt,
    copyAside: (file, { atBytes, bytes }, cause) => copyAside(file, { offset: atBytes, bytes }, cause),
    quarantine: (file, cause) => void quarantineJournal(file, cause),
    eraseRuns(projectId, runs) {
      const targets = runs.map(({ runId, events }) => ({ runId, ...(events === null ? {} : { events }) }));
      eraseFromJournals(home, projectId, new Map(targets.map((target) => [target.runId, target])));
    },
    eraseContents: (projectId, contentIds) => void eraseFromJournals(home, projectId, { runId: '', contentIds }),
    bumpGeneration: () => void bumpGeneration(home),
    watch(listener) {
      const folder = join(home, 'journal');
      mkdirSync(folder, { recursive: true });
      try {
        const watcher = watch(folder, { recursive: true, persistent: false }, listener);
        // A watch that fails later costs nothing but the poll's 50 ms.
        watcher.on('error', () => watcher.close());
        return () => watcher.close();
      } catch (error) {
        if (isTachographError(error)) throw error;
        return () => undefined;
      }
    },
  };
}
