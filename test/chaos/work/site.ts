import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProject } from '../../../src/core/access/project.ts';
import type { OpenedHome } from '../../../src/cli/open.ts';
import { openTachograph } from '../../../src/cli/open.ts';
import type { HomeParts } from '../../../src/cli/work/runtime-parts.ts';
import { createRuntimeParts } from '../../../src/cli/work/runtime-parts.ts';
import type { Runs } from '../../../src/runtime/index.ts';
import { createRuns } from '../../../src/runtime/index.ts';
import type { OnPostgres } from '../../postgres/cluster.ts';
import type { Sabotage } from './sabotage.ts';
import { sabotageParts } from './sabotage.ts';

/** Where runs as work are kept during one test: a home, with its own file or a database of its own. */
export interface Site {
  readonly home: string;
  /** `null` for the home's own file. */
  readonly database: string | null;
  /** As a superuser, whom no policy binds. */
  readonly superUrl: string | null;
  /** One line for each thing that a tool did to the world. */
  readonly ledger: string;
  remove(): void;
}

/** The stores that a case is tried on. */
export const storeKinds = ['SQLite', 'PostgreSQL'] as const;

/** One of the stores. */
export type StoreKind = (typeof storeKinds)[number];

/** A fresh place. */
export async function createSite(kind: StoreKind, on: OnPostgres): Promise<Site> {
  const home = mkdtempSync(join(tmpdir(), 'tachograph-work-'));
  const database = kind === 'PostgreSQL' ? await on.cluster().createDatabase() : null;
  return {
    home,
    database: database?.url ?? null,
    superUrl: database?.superUrl ?? null,
    ledger: join(home, 'ledger'),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** A place as one process has it open. */
export interface OpenSite {
  readonly opened: OpenedHome;
  readonly parts: HomeParts;
  readonly runs: Runs;
  close(): Promise<void>;
}

/** Makes a project whose runs act for real; those of one that nobody made are rehearsals. */
export async function makeProject({ opened, parts }: OpenSite, projectId: string): Promise<void> {
  const nowMs = await parts.work.nowMs();
  await opened.store.directory.putProject({ ...createProject({ id: projectId, nowMs }), mode: 'live' });
}

/** Opens a place as a program does, with the protections off that are named. */
export async function openSite(
  site: Pick<Site, 'home' | 'database'>,
  options: { readonly sabotage?: Sabotage; readonly onError?: (error: unknown) => void } = {},
): Promise<OpenSite> {
  const { sabotage = {}, onError = () => undefined } = options;
  const opened = await openTachograph({
    home: site.home,
    variables: {},
    onError,
    ...(site.database === null ? {} : { database: site.database }),
  });
  const plain = createRuntimeParts(opened, onError);
  const parts: HomeParts = { ...sabotageParts(plain, sabotage), close: () => plain.close() };
  return {
    opened,
    parts,
    runs: createRuns(parts),
    async close() {
      await parts.close();
      await opened.close();
    },
  };
}
