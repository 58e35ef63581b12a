import { sha256Hex } from '../../../core/digest.ts';
import type { ViewMessage } from './view.ts';

/** What decides whether advice may be used again. */
export interface AdviceKey {
  readonly preset: string;
  /** The references with every setting that shapes what they say. */
  readonly references: readonly object[];
  readonly view: readonly ViewMessage[];
}

/** The digest of a key, 64 hex digits: equal exactly when preset, references with their settings and view are. */
export function adviceKeyToDigest({ preset, references, view }: AdviceKey): string {
  return sha256Hex(JSON.stringify([preset, references, view.map(({ role, text }) => [role, text])]));
}

/** Remembers the newest so many things; what was asked for last stays longest. */
export interface Memory<T> {
  get(key: string): T | null;
  set(key: string, value: T): void;
}

/** An empty memory of at most `countMax` things. */
export function createMemory<T>(countMax: number): Memory<T> {
  const valueByKey = new Map<string, T>();
  const set = (key: string, value: T): void => {
    valueByKey.delete(key);
    valueByKey.set(key, value);
    if (valueByKey.size > countMax) valueByKey.delete(valueByKey.keys().next().value!);
  };
  return {
    set,
    get(key) {
      const value = valueByKey.get(key);
      if (value === undefined) return null;
      set(key, value);
      return value;
    },
  };
}
