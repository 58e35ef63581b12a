import { isTachographError, TachographError } from '../error.ts';
import type { RedactOptions } from '../redact/options.ts';
import { optionsToExtra, parseRedactOptions } from '../redact/options.ts';
import type { Sampling } from './sampling.ts';
import type { Switch } from './switches.ts';

/** What a caller has chosen, or somebody for them. */
export interface CallerSettings {
  readonly recording: Switch;
  readonly optIn: boolean;
}

/** What one project has of its own; `null` leaves it to the deployment. */
export interface ProjectSettings {
  readonly retentionDays: number | null;
  readonly recording: Switch;
  readonly requireOptIn: boolean | null;
  readonly callerById: ReadonlyMap<string, CallerSettings>;
}

/** How a home is kept: `settings.json` in it, with what the environment says instead. */
export interface Settings {
  /** 0 is for ever. */
  readonly retentionDays: number;
  /** `null`: no quota. */
  readonly quotaBytes: number | null;
  readonly recording: Switch;
  readonly requireOptIn: boolean;
  /** `null`: every run is kept. */
  readonly sampling: Sampling | null;
  /** What is taken out besides credentials. */
  readonly redact: RedactOptions;
  readonly projectById: ReadonlyMap<string, ProjectSettings>;
}

/** How a home is kept when nobody has said. */
export const defaultSettings: Settings = {
  retentionDays: 30,
  quotaBytes: null,
  recording: null,
  requireOptIn: false,
  sampling: null,
  redact: {},
  projectById: new Map(),
};

const retentionDaysMax = 3650;

/** Where a value stands, for messages. */
interface Place {
  /** The file, or the variable. */
  readonly source: string;
  readonly path: string;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 100);

function refuse({ source, path }: Place, value: unknown, wanted: string): never {
  const what = path === '' ? source : `${path} in ${source}`;
  throw new TachographError('bad-argument', `${what} is ${shown(value)}; it must be ${wanted}.`);
}

type Read<T> = (value: unknown, place: Place) => T;

const wholeNumber =
  (max: number, wanted: string): Read<number> =>
  (value, place) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
      ? value
      : refuse(place, value, wanted);

const number =
  (min: number, max: number, wanted: string): Read<number> =>
  (value, place) =>
    typeof value === 'number' && value >= min && value <= max ? value : refuse(place, value, wanted);

const readDays = wholeNumber(retentionDaysMax, `a whole number of days from 0 (for ever) to ${retentionDaysMax}`);
const readBytes = wholeNumber(Number.MAX_SAFE_INTEGER, 'a whole number of bytes, or null for no quota');
const readSwitch: Read<Switch> = (value, place) =>
  value === 'on' || value === 'off' || value === null ? value : refuse(place, value, '"on", "off" or null');
const readFlag: Read<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : refuse(place, value, 'true or false');
const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value, place) =>
    value === null ? null : read(value, place);

type Readers = Readonly<Record<string, Read<unknown>>>;

function readObject(value: unknown, place: Place, readers: Readers): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(place, value, 'an object');
  const fields: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value as object)) {
    const at = { ...place, path: place.path === '' ? name : `${place.path}.${name}` };
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      const known = Object.keys(readers).join(', ');
      throw new TachographError('bad-argument', `${at.path} in ${at.source} is not known; known are ${known}.`);
    }
    fields[name] = read(item, at);
  }
  return fields;
}

function readById<T>(value: unknown, place: Place, read: Read<T>): ReadonlyMap<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(place, value, 'an object');
  return new Map(
    Object.entries(value as object).map(([id, item]) => [id, read(item, { ...place, path: `${place.path}.${id}` })]),
  );
}

const readCaller: Read<CallerSettings> = (value, place) => ({
  recording: null,
  optIn: false,
  ...readObject(value, place, { recording: readSwitch, optIn: readFlag }),
});

const readProject: Read<ProjectSettings> = (value, place) => {
  const { callers, ...fields } = readObject(value, place, {
    retentionDays: orNull(readDays),
    recording: readSwitch,
    requireOptIn: orNull(readFlag),
    callers: (item, at) => readById(item, at, readCaller),
  });
  const callerById = (callers as ProjectSettings['callerById'] | undefined) ?? new Map<string, CallerSettings>();
  return { retentionDays: null, recording: null, requireOptIn: null, callerById, ...fields };
};

const readSampling: Read<Sampling> = (value, place) => ({
  keep: 1,
  slowMs: null,
  costUsd: null,
  afterHours: 24,
  ...readObject(value, place, {
    keep: number(0, 1, 'a share from 0 to 1'),
    slowMs: orNull(number(0, Number.MAX_SAFE_INTEGER, 'milliseconds, or null')),
    costUsd: orNull(number(0, Number.MAX_SAFE_INTEGER, 'US dollars, or null')),
    afterHours: number(0, 24 * 365, 'hours from 0 to 8760'),
  }),
});

const readRedact: Read<RedactOptions> = (value, { source, path }) => {
  try {
    const options = parseRedactOptions(value);
    optionsToExtra(options);
    return options;
  } catch (cause) {
    if (!isTachographError(cause)) throw cause;
    throw new TachographError(cause.code, `${path} in ${source}: ${cause.message}`, { cause });
  }
};

/** The settings that a text holds. `bad-argument` names the field, its value, and what it may be; nothing is guessed. */
export function parseSettings(text: string, source: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TachographError('bad-argument', `${source} is no valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const { projects, ...fields } = readObject(
    value,
    { source, path: '' },
    {
      retentionDays: readDays,
      quotaBytes: orNull(readBytes),
      recording: readSwitch,
      requireOptIn: readFlag,
      sampling: orNull(readSampling),
      redact: readRedact,
      projects: (item, at) => readById(item, at, readProject),
    },
  );
  const projectById = (projects as Settings['projectById'] | undefined) ?? defaultSettings.projectById;
  return { ...defaultSettings, ...fields, projectById };
}

type Variables = Readonly<Record<string, string | undefined>>;

const digitsToNumber = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text);
const textToFlag = (text: string): unknown =>
  text === '1' || text === 'true' ? true : text === '0' || text === 'false' ? false : text;

/** Settings with what the environment says in their place: a variable beats the file, for all projects. */
export function withVariables(settings: Settings, variables: Variables): Settings {
  const read = <T>(name: string, reader: (text: string, place: Place) => T, otherwise: T): T => {
    const text = variables[name];
    return text === undefined || text === '' ? otherwise : reader(text, { source: name, path: '' });
  };
  const days = read<number | null>('TACHOGRAPH_RETENTION_DAYS', (text, at) => readDays(digitsToNumber(text), at), null);
  const projects = [...settings.projectById].map(([id, project]) => [id, { ...project, retentionDays: null }] as const);
  return {
    ...settings,
    retentionDays: days ?? settings.retentionDays,
    quotaBytes: read('TACHOGRAPH_QUOTA_BYTES', (text, at) => readBytes(digitsToNumber(text), at), settings.quotaBytes),
    recording: read('TACHOGRAPH_RECORDING', readSwitch, settings.recording),
    requireOptIn: read(
      'TACHOGRAPH_REQUIRE_OPT_IN',
      (text, at) => readFlag(textToFlag(text), at),
      settings.requireOptIn,
    ),
    projectById: days === null ? settings.projectById : new Map(projects),
  };
}

/** For how many days a project's runs are kept after they were last written to; 0 is for ever. */
export function retentionDaysOf(settings: Settings, projectId: string): number {
  return settings.projectById.get(projectId)?.retentionDays ?? settings.retentionDays;
}

const dayMs = 24 * 3600 * 1000;

/** Runs last written to before this moment have been kept long enough; `null` when all are kept. Unix milliseconds. */
export function retentionCutMs(days: number, nowMs: number): number | null {
  return days === 0 ? null : nowMs - days * dayMs;
}
