import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { TachographError } from '../../core/error.ts';
import type { Settings } from '../../core/life/settings.ts';
import { defaultSettings, parseSettings, withVariables } from '../../core/life/settings.ts';
import type { ReadSwitches } from '../../core/life/switches.ts';
import type { RedactOptions } from '../../core/redact/options.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where a home says how it is kept. */
export function settingsFile(home: string): string {
  return join(home, 'settings.json');
}

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TachographError(
      'home-unusable',
      `The settings ${file} cannot be read: ${(cause as Error).message}. Give this user the right to read them.`,
      { cause },
    );
  }
}

/** How a home is kept: its `settings.json`, and what the environment says instead. Throws for what it cannot take. */
export function readSettings(home: string, variables: Variables = process.env): Settings {
  const file = settingsFile(home);
  const text = readText(file);
  return withVariables(text === null ? defaultSettings : parseSettings(text, file), variables);
}

const lookMs = 1000;

/**
 * The settings of a home as they are now: looked for at most once a second, read when the file has changed. Throws as
 * `readSettings` does, for as long as they cannot be read.
 */
export function watchSettings(options: {
  readonly home: string;
  readonly clock: Clock;
  readonly variables?: Variables;
}): () => Settings {
  const file = settingsFile(options.home);
  let read: () => Settings = () => defaultSettings;
  let stamp: string | undefined;
  let nextMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = options.clock.monotonicMs();
    if (nowMs < nextMs) return read();
    nextMs = nowMs + lookMs;
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    const next = stat === undefined ? 'none' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    if (next === stamp) return read();
    stamp = next;
    try {
      const settings = readSettings(options.home, options.variables);
      read = () => settings;
    } catch (error) {
      read = () => {
        throw error;
      };
    }
    return read();
  };
}

/** The switches of a project as settings say them. */
export function settingsToSwitches(settings: () => Settings, projectId: string): ReadSwitches {
  return (callerId) => {
    const { recording, requireOptIn, projectById } = settings();
    const project = projectById.get(projectId);
    const caller = callerId === null ? undefined : project?.callerById.get(callerId);
    return {
      deployment: recording,
      project: project?.recording ?? null,
      caller: caller?.recording ?? null,
      requireOptIn: project?.requireOptIn ?? requireOptIn,
      optedIn: caller?.optIn ?? false,
    };
  };
}

/** What a recorder takes from the settings of its home. */
export interface RecordingRules {
  readonly redact: RedactOptions;
  readonly switches: ReadSwitches;
}

/**
 * The rules in force when a recorder is made. What is to be taken out cannot be known while the settings cannot be read,
 * so nothing is recorded then, for as long as that recorder lives (I4).
 */
export function readRecordingRules(options: {
  readonly home: string;
  readonly projectId: string;
  readonly clock: Clock;
  readonly variables?: Variables;
}): RecordingRules {
  const settings = watchSettings(options);
  try {
    const { redact } = settings();
    return { redact, switches: settingsToSwitches(settings, options.projectId) };
  } catch (error) {
    return {
      redact: {},
      switches: () => {
        throw error;
      },
    };
  }
}
