import { TachographError } from '../../../core/error.ts';
import { parseCadence } from '../advice/cadence.ts';
import type { Preset } from './preset.ts';
import { defaultPreset, presetBounds, reasoningEfforts } from './preset.ts';

type Check = (value: unknown, path: string) => void;

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 100);

function must(isRight: boolean, path: string, value: unknown, wanted: string): void {
  if (!isRight) throw new TachographError('bad-argument', `${path} is ${shown(value)}; it must be ${wanted}.`);
}

const flag: Check = (value, path) => must(typeof value === 'boolean', path, value, 'true or false');
const name: Check = (value, path) =>
  must(typeof value === 'string' && value.trim() === value && value !== '', path, value, 'a name');
const effort: Check = (value, path) =>
  must(
    value === null || reasoningEfforts.some((one) => one === value),
    path,
    value,
    `null or one of ${reasoningEfforts.join(', ')}`,
  );
const cadence: Check = (value, path) =>
  must(parseCadence(value) !== null, path, value, '"per_iteration", "user_turn" or "every_n:N" with N from 1 to 9999');
const policy: Check = (value, path) => must(value === 'loud' || value === 'silent', path, value, '"loud" or "silent"');

const number =
  ([min, max]: readonly [number, number], isWhole: boolean): Check =>
  (value, path) => {
    const isNumber = typeof value === 'number' && Number.isFinite(value) && (!isWhole || Number.isInteger(value));
    must(
      isNumber && value >= min && value <= max,
      path,
      value,
      `${isWhole ? 'a whole' : 'a'} number from ${min} to ${max}`,
    );
  };

const orNull =
  (check: Check): Check =>
  (value, path) => {
    if (value !== null) check(value, path);
  };

const list =
  (check: Check): Check =>
  (value, path) => {
    must(Array.isArray(value), path, value, 'a list');
    (value as unknown[]).forEach((item, index) => check(item, `${path}[${index}]`));
  };

const object =
  (checkByName: Readonly<Record<string, Check>>): Check =>
  (value, path) => {
    must(typeof value === 'object' && value !== null && !Array.isArray(value), path, value, 'an object');
    const fields = value as Record<string, unknown>;
    for (const key of Object.keys(fields))
      must(
        Object.hasOwn(checkByName, key),
        `${path}.${key}`,
        fields[key],
        `left out; known are ${Object.keys(checkByName).join(', ')}`,
      );
    for (const [key, check] of Object.entries(checkByName)) check(fields[key], `${path}.${key}`);
  };

const model = { provider: name, model: name, reasoningEffort: effort };

const preset: Record<keyof Preset, Check> = {
  enabled: flag,
  references: list(
    object({ ...model, enabled: flag, contextTokens: orNull(number(presetBounds.contextTokens, true)) }),
  ),
  aggregator: orNull(object(model)),
  referenceTemperature: orNull(number(presetBounds.temperature, false)),
  aggregatorTemperature: orNull(number(presetBounds.temperature, false)),
  referenceTokensMax: orNull(number(presetBounds.referenceTokensMax, true)),
  referenceTimeoutMs: number(presetBounds.referenceTimeoutMs, true),
  toolResultBudget: number(presetBounds.toolResultBudget, true),
  fanout: cadence,
  degradedPolicy: policy,
};

/**
 * The preset, when every field of it is right. Throws `bad-argument` with the path of the first one that is not, its
 * value, and what it must be; a field that nobody knows is refused too.
 */
export function checkPreset(value: unknown, path: string): Preset {
  object(preset)(value, path);
  return value as Preset;
}

/** A whole preset of what is said of it; the rest is as in the default preset. Throws as `checkPreset` does. */
export function completePreset(value: Partial<Preset>, path: string): Preset {
  return checkPreset({ ...defaultPreset, ...value }, path);
}
