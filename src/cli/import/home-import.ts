import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { isTachographError, TachographError } from '../../core/error.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { RunView } from '../../core/model/run.ts';
import { createExporter } from '../export/exporter.ts';
import { importRunFile } from '../export/import-run.ts';
import { readOrigin } from '../export/origin-shelf.ts';
import { storeName } from '../database.ts';
import type { OpenedHome } from '../open.ts';
import { openTachograph } from '../open.ts';

/** A run that stays where it was, and why. */
export interface UnmovedRun {
  readonly projectId: string;
  readonly runId: string;
  readonly code: string;
  readonly message: string;
}

/** What moving a home did. */
export interface HomeImport {
  readonly from: string;
  /** Runs that were copied now. */
  readonly moved: number;
  /** Runs that were here already, whole. */
  readonly already: number;
  readonly newEvents: number;
  readonly annotations: number;
  /** Projects that were made here. */
  readonly projects: readonly string[];
  readonly unmoved: readonly UnmovedRun[];
}

/** How a home is moved. */
export interface HomeImportOptions {
  readonly from: string;
  /** Only this project; all of them when left out. */
  readonly projectId?: string;
  readonly onProgress?: (done: number, of: number) => void;
}

const pageRuns = 500;

/** Opens a home as its own: the store is the file in it, and its keys are in it, whatever the environment names for here. */
async function openSource(from: string, into: OpenedHome): Promise<OpenedHome> {
  if (resolve(from) === resolve(into.home) && into.database === null)
    throw new TachographError('bad-argument', `${from} is the home that is imported into.`);
  // Journals alone are a home too: what a program recorded that nobody has looked at yet.
  if (!existsSync(join(from, storeName)) && !existsSync(join(from, 'journal')))
    throw new TachographError(
      'bad-argument',
      `${from} is no home: neither ${storeName} nor a journal folder is there.`,
    );
  // A home without keys of its own was kept under the secret.
  const secret = existsSync(join(from, 'keys')) ? undefined : process.env['TACHOGRAPH_SECRET'];
  return openTachograph({ home: from, variables: { TACHOGRAPH_SECRET: secret } });
}

/** Every run of a project, oldest first: a run then follows its parent. */
async function listAll({ store }: OpenedHome, projectId: string): Promise<RunView[]> {
  const runs: RunView[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof store.listRuns>> = await store.listRuns(
      projectId,
      { includeDryRun: true },
      { limit: pageRuns, ...(cursor === null ? {} : { cursor }) },
    );
    runs.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return runs.reverse();
  }
}

const headKey = ({ writerId, n, hash }: { writerId: string; n: number; hash: Uint8Array }): string =>
  `${writerId}/${n}/${Buffer.from(hash).toString('hex')}`;

/**
 * True when the run is here with all its events and the seals of its origin. The hash of a writer's last event stands for all
 * before it. A run that was erased here after it came counts as here: its words do not come back.
 */
async function isHere(source: OpenedHome, into: OpenedHome, run: RunView): Promise<boolean> {
  const { projectId, id } = run;
  try {
    const here = new Map((await into.store.listWriters(projectId, id)).map((head) => [head.writerId, head]));
    const there = await source.store.listWriters(projectId, id);
    const isWhole = there.every((head) => {
      const known = here.get(head.writerId);
      return known !== undefined && headKey(known) === headKey(head) && known.missing.length <= head.missing.length;
    });
    return isWhole && readOrigin(into.home, { projectId, runId: id }) !== null;
  } catch (error) {
    if (isTachographError(error) && error.code === 'run-not-found') return false;
    throw error;
  }
}

async function moveRun(source: OpenedHome, into: OpenedHome, run: RunView): Promise<number> {
  const { projectId, id } = run;
  const exporter = createExporter(source);
  const imported = await importRunFile(
    {
      name: `run ${id}`,
      async *read() {
        for await (const line of exporter.runFile(projectId, id)) yield Buffer.from(line);
      },
    },
    undefined,
    {
      home: into.home,
      projectId,
      store: into.store,
      redactor: into.redactorOf(projectId),
      ownKey: into.trustedKey(projectId),
    },
  );
  return imported.newEvents;
}

/** Scores, notes, labels and pins, which stand beside the record; one that is here already stays as it is. */
async function moveAnnotations(source: OpenedHome, into: OpenedHome, { projectId, id }: RunView): Promise<number> {
  const there = await source.store.listAnnotations(projectId, id);
  if (there.length === 0) return 0;
  const here = new Set((await into.store.listAnnotations(projectId, id)).map((each) => each.id));
  const missing = there.filter((each) => !here.has(each.id));
  for (const each of missing) await into.store.putAnnotation(projectId, each);
  return missing.length;
}

async function moveProjects(source: OpenedHome, into: OpenedHome, asked: readonly string[]): Promise<string[]> {
  const made: string[] = [];
  for (const project of await source.store.directory.listProjects()) {
    if (!asked.includes(project.id) || (await into.store.directory.getProject(project.id)) !== null) continue;
    await into.store.directory.putProject(project);
    made.push(project.id);
  }
  return made;
}

function explain({ projectId, id }: RunView, error: unknown): UnmovedRun {
  if (isTachographError(error) && error.code !== 'store-busy')
    return { projectId, runId: id, code: error.code, message: error.message };
  // A store that is away is away for the next run as well: the command ends, and goes on from here when it is run again.
  throw error;
}

/**
 * Copies every run of another home's own store into an opened home, word for word: ids, hashes, seals, and annotations
 * beside them. What is here already is passed over, so that it may be stopped at any moment and run again. The other home
 * keeps everything; its keys stay there. `bad-argument` when it is no home.
 */
export async function importHome(options: HomeImportOptions, into: OpenedHome): Promise<HomeImport> {
  const { from, projectId, onProgress = () => undefined } = options;
  const source = await openSource(from, into);
  try {
    await source.indexer.catchUp();
    const known = [
      ...(await source.store.listProjects()),
      ...(await source.store.directory.listProjects()).map(({ id }) => id),
    ];
    const asked = [...new Set(known)].filter((id) => projectId === undefined || id === projectId);
    const projects = await moveProjects(source, into, asked);
    const runs = (await Promise.all(asked.map((id) => listAll(source, id)))).flat();
    const unmoved: UnmovedRun[] = [];
    let [moved, already, newEvents, annotations] = [0, 0, 0, 0];
    for (const [index, run] of runs.entries()) {
      onProgress(index, runs.length);
      if (!isTerminal(run.status)) {
        const message = `Run ${run.id} has not ended; import again once it has.`;
        unmoved.push({ projectId: run.projectId, runId: run.id, code: 'run-open', message });
        continue;
      }
      try {
        if (await isHere(source, into, run)) already += 1;
        else {
          newEvents += await moveRun(source, into, run);
          moved += 1;
        }
        annotations += await moveAnnotations(source, into, run);
      } catch (error) {
        unmoved.push(explain(run, error));
      }
    }
    onProgress(runs.length, runs.length);
    return { from: source.home, moved, already, newEvents, annotations, projects, unmoved };
  } finally {
    await source.close();
  }
}
