import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it as plainIt } from 'vitest';
import type { FileOperations } from '../../src/journal/index.ts';
import { createInbox, openRecorder, readJournal, systemFiles } from '../../src/journal/index.ts';
import type { RunPage } from '../../src/server/wire.ts';
import type { TeamServer } from '../end-to-end/team-server.ts';
import { startServer, until } from '../end-to-end/team-server.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome, listFiles } from '../indexer/home.ts';
import { createFaultyFiles } from '../journal/faulty-files.ts';
import { onPostgres } from '../postgres/cluster.ts';

// A server whose disk is full acknowledges nothing, reads all the same, and goes on once there is space. One whose disk
// fails to sync acknowledges nothing either, and never trusts that file again.

const diskKilobytes = 12 * 1024;

function mountDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskKilobytes}k`, 'tmpfs', folder]);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return null;
}

function unmountDisk(folder: string): void {
  execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
}

const probe = mountDisk();
if (probe !== null) unmountDisk(probe);

/** Fills a disk to the last byte; gives back what frees it. */
function fill(folder: string): () => void {
  const filler = join(folder, 'filler');
  let count = 0;
  for (const bytes of [64 * 1024, 4096, 1])
    try {
      for (; ; count += 1) writeFileSync(`${filler}-${count}`, Buffer.alloc(bytes));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      count += 1;
    }
  return () => {
    for (let each = 0; each <= count; each += 1) rmSync(`${filler}-${each}`, { force: true });
  };
}

describe.skipIf(probe === null)('a full disk under a server (skipped where tmpfs cannot be mounted)', () => {
  const { cluster, it } = onPostgres();
  let place: TemporaryHome;
  let disk: string;
  let server: TeamServer | null = null;
  beforeEach(() => {
    place = createTemporaryHome();
    disk = mountDisk()!;
  });
  afterEach(async () => {
    server?.child.kill('SIGKILL');
    await server?.ended();
    server = null;
    unmountDisk(disk);
    place.remove();
  });

  async function survive(database: string | null): Promise<void> {
    const home = join(disk, 'home');
    server = startServer({ home, ...(database === null ? {} : { database }) });
    const url = await server.url;
    const list = async (): Promise<RunPage & { status: number }> => {
      const response = await fetch(`${url}/api/v1/runs?limit=100`);
      return { ...((await response.json()) as RunPage), status: response.status };
    };
    const recorder = openRecorder({ home: place.home, url });
    const record = (): string => {
      const run = recorder.startRun({ agentId: 'agent' });
      run.log('said', { words: 'x'.repeat(20_000) });
      run.close({ endReason: 'ok' });
      return run.id;
    };
    const before = record();
    expect(await recorder.flush({ to: 'server' })).toMatchObject({ state: 'server' });
    await until(list, ({ items }) => items[0]?.status === 'completed');

    const free = fill(disk);
    const meanwhile = [record(), record()];
    // Not acknowledged, and nothing lost: they wait on the recorder's own disk.
    expect(await recorder.flush({ to: 'server', timeoutMs: 1500 })).toMatchObject({ state: 'timeout', lost: 0 });
    const full = await list();
    // Of a batch that did not fit the first records may be there: they come again, and are there once.
    expect([full.status, full.items.map(({ id }) => id)]).toEqual([200, expect.arrayContaining([before])]);
    expect((await fetch(`${url}/api/v1/runs/${before}`)).status).toBe(200);
    expect(server.child.exitCode).toBeNull();

    free();
    expect(await recorder.flush({ to: 'server', timeoutMs: 30_000 })).toMatchObject({ state: 'server', lost: 0 });
    const after = await until(list, ({ items }) => items.filter(({ status }) => status === 'completed').length === 3);
    expect(after.items.map(({ id }) => id).sort()).toEqual([before, ...meanwhile].sort());
    await recorder.close();
  }

  it('on PostgreSQL acknowledges nothing, reads, and goes on', async () => {
    await survive((await cluster().createDatabase()).url);
  });

  plainIt('on its own file acknowledges nothing, reads, and goes on', () => survive(null));
});

/** One run's journal as a batch. */
async function makeBatch(): Promise<Buffer> {
  const sender = createTemporaryHome();
  try {
    const recorder = sender.recorder();
    recorder.startRun({ agentId: 'agent' }).close({ endReason: 'ok' });
    await recorder.close();
    return readFileSync(listFiles(sender.home).find((file) => file.endsWith('.tgj'))!);
  } finally {
    sender.remove();
  }
}

describe.skipIf(probe === null)('a full disk under an inbox (skipped where tmpfs cannot be mounted)', () => {
  /** Batches that were acknowledged, before, while and after the disk was full, and how many of them can be read then. */
  async function fillUnder(fs: FileOperations): Promise<{ acknowledged: readonly number[]; kept: number }> {
    const disk = mountDisk()!;
    try {
      const home = join(disk, 'home');
      mkdirSync(home);
      const inbox = createInbox({ home, projectId: 'default', fs });
      const acknowledged: number[] = [];
      const takeSome = async (): Promise<void> => {
        let count = 0;
        for (let tries = 0; tries < 5; tries += 1)
          try {
            inbox.take(await makeBatch());
            count += 1;
          } catch (error) {
            expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
          }
        acknowledged.push(count);
      };
      await takeSome();
      const free = fill(disk);
      await takeSome();
      free();
      await takeSome();
      await inbox.close();
      const journals = listFiles(home).filter((file) => file.endsWith('.tgj'));
      const runs = journals.flatMap((file) => readJournal(file, 0).entries.map(({ event }) => event.header.runId));
      return { acknowledged, kept: new Set(runs).size };
    } finally {
      unmountDisk(disk);
    }
  }

  plainIt('acknowledges nothing meanwhile, and what it acknowledged can be read', async () => {
    expect(await fillUnder(systemFiles)).toEqual({ acknowledged: [5, 0, 5], kept: 10 });
  });

  plainIt('that takes what was not written for written acknowledges what is gone: the check can fail', async () => {
    const passing = <T>(work: () => T, instead: T): T => {
      try {
        return work();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        return instead;
      }
    };
    const careless: FileOperations = {
      ...systemFiles,
      write: (fd, bytes, part) => passing(() => systemFiles.write(fd, bytes, part), part.length),
      sync: (fd) => passing(() => systemFiles.sync(fd), undefined),
    };
    const { acknowledged, kept } = await fillUnder(careless);
    expect(acknowledged[1]).toBeGreaterThan(0);
    expect(kept).toBeLessThan(acknowledged.reduce((sum, count) => sum + count));
  });
});

describe('a server whose disk fails to sync', () => {
  let place: TemporaryHome;
  beforeEach(() => {
    place = createTemporaryHome();
  });
  afterEach(() => place.remove());

  const journals = (): string[] => listFiles(place.home).filter((file) => file.endsWith('.tgj'));

  plainIt('acknowledges nothing, and takes the batch that comes again into a new file', async () => {
    const batch = await makeBatch();
    const fs = createFaultyFiles(({ kind, count }) => (kind === 'sync' && count === 1 ? 'EIO' : null));
    const inbox = createInbox({ home: place.home, projectId: 'default', fs });
    expect(() => inbox.take(batch)).toThrow('EIO');
    const [distrusted] = journals();
    expect(inbox.take(batch).entries).toBe(2);
    expect(inbox.take(batch).entries).toBe(2);
    await inbox.close();
    expect(journals()).toHaveLength(2);
    const entriesOf = (file: string): number => readJournal(file, 0).entries.length;
    // What failed to sync is never written to again; what came again is in the new file, doubles and all.
    expect(journals().map((file) => [file === distrusted, entriesOf(file)])).toEqual(
      expect.arrayContaining([
        [true, 2],
        [false, 4],
      ]),
    );
  });

  plainIt('would acknowledge what may never reach the disk if it did not sync: the check can fail', async () => {
    const batch = await makeBatch();
    let syncs = 0;
    const careless = createFaultyFiles(() => null);
    const fs = { ...careless, sync: () => void (syncs += 1) };
    const inbox = createInbox({ home: place.home, projectId: 'default', fs });
    expect(inbox.take(batch).entries).toBe(2);
    expect(syncs).toBe(1);
    await inbox.close();
  });
});
