import { join } from 'node:path';
import process from 'node:process';
import { TachographError } from '../core/error.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { RunView } from '../core/model/run.ts';
import type { Store } from '../core/store.ts';
import type { Verdict } from '../core/verify/verdict.ts';
import { verifyStoredRun } from '../core/verify/verify.ts';
import { createSealSigner } from '../core/verify/seals.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import type { Indexer, News, Problem } from '../indexer/index.ts';
import { createFileLock, createIndexer } from '../indexer/index.ts';
import { defaultHome, openHome, readOrCreateKey } from '../journal/index.ts';
import { openSqliteStore } from '../stores/sqlite/index.ts';
import { createArchive } from './archive.ts';

/** A home with everything in it put together. */
export interface OpenedHome {
  readonly home: string;
  readonly projectId: string;
  readonly store: Store;
  readonly indexer: Indexer;
  readonly problems: readonly Problem[];
  /** The public key that this home's seals of the project must carry. */
  trustedKey(projectId: string): string;
  verify(runId: string): Promise<Verdict>;
  /** A run by id, unique prefix or `last`. `run-not-found` and `prefix-ambiguous` say what to do. */
  findRun(reference: string): Promise<RunView>;
  close(): Promise<void>;
}

/** Which home and project a command works in. */
export interface HomeChoice {
  readonly home?: string;
  readonly project?: string;
  readonly onNews?: (news: News) => void;
  readonly onError?: (error: unknown) => void;
}

/** The home a command was pointed at: `--home`, else TACHOGRAPH_HOME, else the user's data folder. */
export function chooseHome(home: string | undefined): string {
  return home ?? defaultHome();
}

/** Finds a run the way people name it. */
export async function findRun(store: Store, projectId: string, reference: string): Promise<RunView> {
  if (reference === 'last') {
    const { items } = await store.listRuns(projectId, { topLevelOnly: true, includeDryRun: true }, { limit: 1 });
    if (items[0] === undefined) throw new TachographError('run-not-found', 'There are no runs yet. Record one: tachograph run -- node agent.mjs');
    return items[0];
  }
  const prefix = reference.toLowerCase();
  if (!/^[0-9a-f-]{1,36}$/.test(prefix)) {
    throw new TachographError('bad-argument', `${JSON.stringify(reference)} is not a run: give an id, the beginning of one, or "last".`);
  }
  const ids = await store.findRunIds(projectId, prefix, 6);
  if (ids.length === 0) throw new TachographError('run-not-found', `No run begins with ${JSON.stringify(reference)}. "tachograph ls" shows the newest.`);
  if (ids.length > 1) {
    const shown = ids.slice(0, 5).join(', ');
    throw new TachographError('prefix-ambiguous', `${JSON.stringify(reference)} begins several runs: ${shown}${ids.length > 5 ? ', …' : ''}. Give more of the id.`);
  }
  return store.getRun(projectId, ids[0]!);
}

/** Opens a home: store, keys, journals and indexer. The indexer is not started. */
export async function openTachograph(choice: HomeChoice): Promise<OpenedHome> {
  const home = openHome(chooseHome(choice.home));
  const projectId = choice.project ?? process.env['TACHOGRAPH_PROJECT'] ?? 'default';
  const store = openSqliteStore({ file: join(home, 'tachograph.db') });
  await store.initialize();
  const signers = new Map<string, SealSigner>();
  const signerOf = (project: string): SealSigner => {
    let signer = signers.get(project);
    if (signer === undefined) signers.set(project, (signer = createSealSigner(readOrCreateKey(home, `${project}.seal`, 32))));
    return signer;
  };
  const problems: Problem[] = [];
  const indexer = createIndexer({
    store,
    archive: createArchive(home),
    lock: createFileLock(join(home, 'indexer.lock')),
    redactor: createRedactor({ key: readOrCreateKey(home, `${projectId}.content`, 32) }),
    signerOf,
    onProblem: (problem) => void problems.push(problem),
    ...(choice.onNews === undefined ? {} : { onNews: choice.onNews }),
    ...(choice.onError === undefined ? {} : { onError: choice.onError }),
  });
  return {
    home,
    projectId,
    store,
    indexer,
    problems,
    trustedKey: (project) => signerOf(project).publicKey,
    verify: (runId) => verifyStoredRun(store, { projectId, runId }, signerOf(projectId).publicKey),
    findRun: (reference) => findRun(store, projectId, reference),
    async close() {
      await indexer.close();
      await store.close();
    },
  };
}
