import { TachographError } from '../../../core/error.ts';
import { toFields } from '../vendor.ts';
import type { Preset } from './preset.ts';
import type { Note } from './reading.ts';
import { readPreset } from './reading.ts';
import { checkPreset } from './writing.ts';

/** Whether fan-outs are written to trace files, and where. */
export interface TraceSettings {
  readonly saveTraces: boolean;
  /** `null`: `moa-traces` in the data folder. `~` and variables are filled in. */
  readonly traceDir: string | null;
}

/** What the file `moa.json` of a data folder holds. */
export interface Shelf extends TraceSettings {
  readonly presetByName: ReadonlyMap<string, Preset>;
}

/** The shelf of a data folder without the file. */
export const emptyShelf: Shelf = { saveTraces: false, traceDir: null, presetByName: new Map() };

const presetName = /^[\w.-]{1,64}$/;

function checkName(name: string): void {
  if (presetName.test(name)) return;
  throw new TachographError(
    'bad-argument',
    `presets has the name ${JSON.stringify(name)}; it must be 1 to 64 letters, digits, "-", "_" or ".".`,
  );
}

/**
 * Reads a shelf tolerantly: what cannot be understood is noted and is as on an empty shelf. Throws `bad-argument` only for
 * a text that is no JSON object.
 */
export function parseShelf(text: string, source: string, note: Note): Shelf {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TachographError('bad-argument', `${source} is no valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const fields = Array.isArray(value) ? null : toFields(value);
  if (fields === null) throw new TachographError('bad-argument', `${source} must hold a JSON object.`);
  const { saveTraces = false, traceDir = null, presets = {} } = fields;
  if (typeof saveTraces !== 'boolean') note('saveTraces', saveTraces, 'false');
  if (traceDir !== null && typeof traceDir !== 'string') note('traceDir', traceDir, 'null');
  const named = Array.isArray(presets) ? null : toFields(presets);
  if (named === null) note('presets', presets, 'no presets');
  const presetByName = new Map<string, Preset>();
  for (const [name, preset] of Object.entries(named ?? {})) {
    if (presetName.test(name)) presetByName.set(name, readPreset(preset, `presets.${name}`, note));
    else note(`presets[${JSON.stringify(name)}]`, name, 'nothing: no name for a preset');
  }
  return {
    saveTraces: saveTraces === true,
    traceDir: typeof traceDir === 'string' ? traceDir : null,
    presetByName,
  };
}

/** The text of a shelf. Throws `bad-argument` with the path of what must not be written. */
export function shelfToText({ saveTraces, traceDir, presetByName }: Shelf): string {
  for (const [name, preset] of presetByName) {
    checkName(name);
    checkPreset(preset, `presets.${name}`);
  }
  return `${JSON.stringify({ saveTraces, traceDir, presets: Object.fromEntries(presetByName) }, null, 2)}\n`;
}

/** The preset of that name. Throws `bad-argument`, naming those there are. */
export function presetOf(shelf: Shelf, name: string): Preset {
  const preset = shelf.presetByName.get(name);
  if (preset !== undefined) return preset;
  const names = [...shelf.presetByName.keys()].join(', ');
  throw new TachographError(
    'bad-argument',
    `There is no preset ${JSON.stringify(name)}; ${names === '' ? 'there is none at all' : `there are ${names}`}.`,
  );
}

/** The shelf with a preset added or replaced. Throws `bad-argument` for a name or a preset that is not right. */
export function withPreset(shelf: Shelf, name: string, preset: Preset): Shelf {
  checkName(name);
  return { ...shelf, presetByName: new Map(shelf.presetByName).set(name, checkPreset(preset, `presets.${name}`)) };
}

/** The shelf without a preset. Throws `bad-argument` when it is not there, or is the last one. */
export function withoutPreset(shelf: Shelf, name: string): Shelf {
  presetOf(shelf, name);
  if (shelf.presetByName.size === 1)
    throw new TachographError('bad-argument', `${JSON.stringify(name)} is the last preset, and one has to stay.`);
  const rest = [...shelf.presetByName].filter(([other]) => other !== name);
  return { ...shelf, presetByName: new Map(rest) };
}
