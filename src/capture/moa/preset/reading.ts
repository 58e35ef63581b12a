import { parseCadence } from '../advice/cadence.ts';
import type { Fields } from '../vendor.ts';
import { toFields } from '../vendor.ts';
import type { Preset, PresetModel, PresetReference, ReasoningEffort } from './preset.ts';
import { defaultPreset, presetBounds, reasoningEfforts } from './preset.ts';

/** Told what was wrong and what was taken in its place; `path` is like `presets.careful.references[1].model`. */
export type Note = (path: string, value: unknown, taken: string) => void;

/** What a value that may be written in several ways was read as; `undefined`: it is none of them. */
type Read<T> = (value: unknown) => T | undefined;

const readFlag: Read<boolean> = (value) =>
  typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : undefined;

function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

const readEffort: Read<ReasoningEffort | null> = (value) =>
  value === null ? null : reasoningEfforts.find((effort) => effort === String(value).toLowerCase());

const readPolicy: Read<Preset['degradedPolicy']> = (value) =>
  value === 'loud' || value === 'silent' ? value : undefined;

const readCadence: Read<Preset['fanout']> = (value) => parseCadence(value) ?? undefined;

const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value) =>
    value === null ? null : read(value);

/** Reads the fields of one object; the names of other programs' files, in snake_case, are understood too. */
function fieldReader(fields: Fields, path: string, note: Note) {
  const find = (name: string): unknown => {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return fields[name] === undefined ? fields[snake] : fields[name];
  };
  const take = <T>(name: string, read: Read<T>, otherwise: T): T => {
    const value = find(name);
    if (value === undefined) return otherwise;
    const taken = read(value);
    if (taken !== undefined) return taken;
    note(`${path}.${name}`, value, JSON.stringify(otherwise));
    return otherwise;
  };
  const bounded = ([min, max]: readonly [number, number], isWhole: boolean, name: string): Read<number> => {
    return (value) => {
      const number = toNumber(value);
      if (number === undefined) return undefined;
      const within = Math.min(max, Math.max(min, isWhole ? Math.round(number) : number));
      if (within !== number) note(`${path}.${name}`, value, String(within));
      return within;
    };
  };
  return { find, take, bounded };
}

/** A model written as `provider:model`, or as an object of the two. */
function toModelFields(value: unknown): Fields | null {
  if (typeof value !== 'string') return Array.isArray(value) ? null : toFields(value);
  const colon = value.indexOf(':');
  return colon < 1 ? null : { provider: value.slice(0, colon), model: value.slice(colon + 1) };
}

function readModel(value: unknown, path: string, note: Note): PresetModel | null {
  const fields = toModelFields(value);
  const names = [fields?.['provider'], fields?.['model']].map((name) => (typeof name === 'string' ? name.trim() : ''));
  if (fields === null || names.includes('')) {
    note(path, value, 'nothing');
    return null;
  }
  const { take } = fieldReader(fields, path, note);
  return { provider: names[0]!, model: names[1]!, reasoningEffort: take('reasoningEffort', readEffort, null) };
}

function readReference(value: unknown, path: string, note: Note): PresetReference | null {
  const model = readModel(value, path, note);
  if (model === null) return null;
  const { take, bounded } = fieldReader(toModelFields(value)!, path, note);
  const readWindow = orNull(bounded(presetBounds.contextTokens, true, 'contextTokens'));
  return { ...model, enabled: take('enabled', readFlag, true), contextTokens: take('contextTokens', readWindow, null) };
}

/**
 * Reads a preset as people and other programs write it: what is missing or cannot be understood is as in the default
 * preset, a number out of bounds is the nearest one within, a reference without a model is left out; each is noted. What
 * comes out is always a preset that may be written. Never throws.
 */
export function readPreset(value: unknown, path: string, note: Note): Preset {
  const fields = Array.isArray(value) ? null : toFields(value);
  if (fields === null) {
    note(path, value, 'the default preset');
    return defaultPreset;
  }
  const { find, take, bounded } = fieldReader(fields, path, note);
  const temperature = (name: string): Read<number | null> => orNull(bounded(presetBounds.temperature, false, name));
  const references = find('references') ?? [];
  if (!Array.isArray(references)) note(`${path}.references`, references, 'no references');
  const aggregator = find('aggregator') ?? null;
  return {
    enabled: take('enabled', readFlag, true),
    references: (Array.isArray(references) ? (references as unknown[]) : [])
      .map((one, index) => readReference(one, `${path}.references[${index}]`, note))
      .filter((one) => one !== null),
    aggregator: aggregator === null ? null : readModel(aggregator, `${path}.aggregator`, note),
    referenceTemperature: take('referenceTemperature', temperature('referenceTemperature'), null),
    aggregatorTemperature: take('aggregatorTemperature', temperature('aggregatorTemperature'), null),
    referenceTokensMax: take(
      'referenceTokensMax',
      orNull(bounded(presetBounds.referenceTokensMax, true, 'referenceTokensMax')),
      null,
    ),
    referenceTimeoutMs: take(
      'referenceTimeoutMs',
      bounded(presetBounds.referenceTimeoutMs, true, 'referenceTimeoutMs'),
      defaultPreset.referenceTimeoutMs,
    ),
    toolResultBudget: take(
      'toolResultBudget',
      bounded(presetBounds.toolResultBudget, true, 'toolResultBudget'),
      defaultPreset.toolResultBudget,
    ),
    fanout: take('fanout', readCadence, defaultPreset.fanout),
    degradedPolicy: take('degradedPolicy', readPolicy, defaultPreset.degradedPolicy),
  };
}
