import { TachographError } from '../error.ts';

/** Whether a project takes new records. */
export const projectStatuses = ['active', 'suspended'] as const;

/** One of the closed list of statuses. */
export type ProjectStatus = (typeof projectStatuses)[number];

/** How far a project's runs may act: only recorded, rehearsed, rehearsed in part, for real. */
export const projectModes = ['legacy', 'shadow', 'canary', 'live'] as const;

/** One of the closed list of modes. */
export type ProjectMode = (typeof projectModes)[number];

/** A tenant. Everything belongs to exactly one. */
export interface Project {
  readonly id: string;
  readonly name: string;
  readonly status: ProjectStatus;
  readonly mode: ProjectMode;
  /** 0 to 100: of runs in mode `canary`, how many act for real; `null` in every other mode. */
  readonly canaryPercent: number | null;
  /** 0 for ever, up to 3650; `null`: as the server keeps things. */
  readonly retentionDays: number | null;
  readonly createdAtMs: number;
}

/** The project that is there without anybody making it. */
export const defaultProjectId = 'default';

/** What a change of a project may say. */
export type ProjectChange = Partial<Pick<Project, 'name' | 'status' | 'mode' | 'canaryPercent' | 'retentionDays'>>;

const idForm = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const retentionDaysMax = 3650;

/** True for what may name a project: it stands in addresses, file names and keys. */
export const isProjectId = (text: string): boolean => idForm.test(text);

/** The id as it is; `bad-argument` for one that is none. */
export function parseProjectId(text: string): string {
  if (isProjectId(text)) return text;
  throw new TachographError(
    'bad-argument',
    `${JSON.stringify(text.slice(0, 80))} is no project id; give 1 to 63 of a-z, 0-9, "_" and "-", the first a letter or digit.`,
  );
}

function refuse(what: string): never {
  throw new TachographError('bad-argument', what);
}

function check(project: Project): Project {
  const { name, mode, canaryPercent, retentionDays } = project;
  if (name.length === 0 || name.length > 200)
    refuse(`The project's name has ${name.length} characters; give 1 to 200.`);
  const isPercent =
    canaryPercent !== null && Number.isInteger(canaryPercent) && canaryPercent >= 0 && canaryPercent <= 100;
  if (mode === 'canary' && !isPercent)
    refuse('A project in mode "canary" needs canaryPercent, a whole number from 0 to 100.');
  if (mode !== 'canary' && canaryPercent !== null)
    refuse(`canaryPercent belongs to mode "canary"; the mode is "${mode}".`);
  const isDays =
    retentionDays === null ||
    (Number.isInteger(retentionDays) && retentionDays >= 0 && retentionDays <= retentionDaysMax);
  if (!isDays)
    refuse(
      `retentionDays is ${retentionDays}; give 0 (for ever) to ${retentionDaysMax}, or null for the server's own.`,
    );
  return project;
}

/** A project as it begins: in shadow, the embedded `default` live. Throws `bad-argument` for a bad id or name. */
export function createProject(of: { id: string; name?: string; nowMs: number }): Project {
  const id = parseProjectId(of.id);
  return check({
    id,
    name: of.name ?? id,
    status: 'active',
    mode: id === defaultProjectId ? 'live' : 'shadow',
    canaryPercent: null,
    retentionDays: null,
    createdAtMs: of.nowMs,
  });
}

/** The project after a change. Leaving `canary` drops its percentage. Throws `bad-argument` for what fits nothing. */
export function nextProject(project: Project, change: ProjectChange): Project {
  const mode = change.mode ?? project.mode;
  const kept = mode === 'canary' ? project.canaryPercent : null;
  return check({
    ...project,
    ...change,
    mode,
    canaryPercent: change.canaryPercent === undefined ? kept : change.canaryPercent,
  });
}
