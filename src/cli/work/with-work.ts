import { readFileSync } from 'node:fs';
import { TachographError } from '../../core/error.ts';
import { isUuid } from '../../core/id.ts';
import type { WorkRow, WorkStore } from '../../core/work/work.ts';
import type { Runs } from '../../server/index.ts';
import type { GlobalOptions } from '../commands/command.ts';
import type { OpenedHome } from '../open.ts';
import { openTachograph } from '../open.ts';
import { errorToLine } from '../print/complaint.ts';
import { createHomeRuns } from './home-runs.ts';
import type { HomeParts } from './runtime-parts.ts';
import { createRuntimeParts } from './runtime-parts.ts';

/** A home with what runs are asked for through. */
export interface WorkHome {
  readonly opened: OpenedHome;
  readonly projectId: string;
  readonly work: WorkStore;
  readonly runs: Runs;
  readonly parts: HomeParts;
}

/** Opens the home for runs as work, works, files what was changed, and closes whatever happened. */
export async function withWork<T>(options: GlobalOptions, use: (home: WorkHome) => Promise<T>): Promise<T> {
  const opened = await openTachograph({
    ...(options.home === undefined ? {} : { home: options.home }),
    ...(options.project === undefined ? {} : { project: options.project }),
    ...(options.database === undefined ? {} : { database: options.database }),
  });
  try {
    const parts = createRuntimeParts(opened, (error) => process.stderr.write(`tachograph: ${errorToLine(error)}\n`));
    const { projectId } = opened;
    try {
      const answer = await use({ opened, projectId, parts, work: parts.work, runs: createHomeRuns(parts)(projectId) });
      await parts.work.file(projectId);
      return answer;
    } finally {
      await parts.close();
    }
  } finally {
    await opened.close();
  }
}

/** A run as work by id, unique prefix or `last`; `run-not-found` also for one that was only recorded. */
export async function findWorkRun({ opened, work, projectId }: WorkHome, reference: string): Promise<WorkRow> {
  const found = isUuid(reference) ? await work.get(projectId, reference) : null;
  if (found !== null) return found;
  await work.file(projectId);
  const { id } = await opened.findRun(reference);
  const row = await work.get(projectId, id);
  if (row !== null) return row;
  throw new TachographError('run-not-found', `Run ${id} was recorded and is no work: no worker takes it.`);
}

/** JSON that was given on the command line, or in a file named as `@file`. */
export function parseJson(text: string | undefined, flag: string): unknown {
  if (text === undefined) return undefined;
  let json = text;
  if (text.startsWith('@')) {
    try {
      json = readFileSync(text.slice(1), 'utf8');
    } catch (cause) {
      throw new TachographError('bad-argument', `${flag} ${text} cannot be read: ${(cause as Error).message}.`, {
        cause,
      });
    }
  }
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new TachographError('bad-argument', `${flag} is no JSON. Text goes in quotes of its own: '"like this"'.`, {
      cause,
    });
  }
}

/** A whole number within bounds; `undefined` for a flag that was not given. */
export function parseWhole(
  text: string | undefined,
  flag: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^-?\d{1,15}$/.test(text) && value >= min && value <= max) return value;
  throw new TachographError(
    'bad-argument',
    `${flag} ${JSON.stringify(text)} is no whole number from ${min} to ${max}.`,
  );
}
