import type { Cadence } from '../advice/cadence.ts';
import type { DegradedPolicy } from '../advice/guidance.ts';

/** How hard a model is to think, in the AI SDK's words. */
export const reasoningEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/** One of the efforts. */
export type ReasoningEffort = (typeof reasoningEfforts)[number];

/** A model by its names. */
export interface PresetModel {
  readonly provider: string;
  readonly model: string;
  /** `null`: none is sent. */
  readonly reasoningEffort: ReasoningEffort | null;
}

/** A reference of a preset. */
export interface PresetReference extends PresetModel {
  readonly enabled: boolean;
  /** Its context window in tokens: what it sees is trimmed to it. `null`: not known, nothing is trimmed. */
  readonly contextTokens: number | null;
}

/** How a mixture is put together. */
export interface Preset {
  /** A disabled preset is its aggregator alone. */
  readonly enabled: boolean;
  readonly references: readonly PresetReference[];
  /** `null`: not named; the caller brings the model. */
  readonly aggregator: PresetModel | null;
  /** `null`: none is sent; the aggregator's is then the caller's own. */
  readonly referenceTemperature: number | null;
  readonly aggregatorTemperature: number | null;
  /** The most a reference may say. `null`: its provider's own bound. */
  readonly referenceTokensMax: number | null;
  readonly referenceTimeoutMs: number;
  /** Characters of a tool's result that references see. */
  readonly toolResultBudget: number;
  readonly fanout: Cadence;
  readonly degradedPolicy: DegradedPolicy;
}

/** Bounds of the numbers of a preset, both included. */
export const presetBounds = {
  temperature: [0, 2],
  referenceTokensMax: [1, 1_000_000],
  referenceTimeoutMs: [1000, 3_600_000],
  toolResultBudget: [1000, 32_000],
  contextTokens: [256, 100_000_000],
} as const;

/** What a preset is where it does not say. */
export const defaultPreset: Preset = {
  enabled: true,
  references: [],
  aggregator: null,
  referenceTemperature: null,
  aggregatorTemperature: null,
  referenceTokensMax: null,
  referenceTimeoutMs: 120_000,
  toolResultBudget: 4000,
  fanout: 'user_turn',
  degradedPolicy: 'loud',
};
