import { TachographError } from '../../core/error.ts';
import type { Preset, PresetModel, ReasoningEffort } from './preset/preset.ts';
import type { Fields, Model } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** The provider that a mixture gives as its own. */
export const mixtureProvider = 'tachograph.moa';

/** True for a model that is itself a mixture. */
export function isMixture(model: unknown): boolean {
  return toFields(model)?.['provider'] === mixtureProvider;
}

/** A reference as a caller hands it over, with what its model alone does not say. */
export interface ReferenceOptions {
  /** A language model of the AI SDK. */
  readonly model: object;
  readonly enabled?: boolean;
  readonly reasoningEffort?: ReasoningEffort | null;
  /** Its context window in tokens; what it sees is trimmed to it. */
  readonly contextTokens?: number | null;
  /** Asks for its answer as a stream, so that progress tells its words as they come. */
  readonly stream?: boolean;
}

/** A reference ready to be asked. */
export interface Reference {
  readonly model: Model;
  readonly reasoningEffort: ReasoningEffort | null;
  readonly contextTokens: number | null;
  readonly stream: boolean;
}

/** The models of a mixture. */
export interface Members {
  readonly references: readonly Reference[];
  readonly aggregator: Model;
  readonly aggregatorEffort: ReasoningEffort | null;
  /** Labels of what was named and is not asked: references that are mixtures themselves. */
  readonly skipped: readonly string[];
}

/** Finds a model by its names in a preset. */
export type FindModel = (name: { readonly provider: string; readonly model: string }) => object;

function checkModel(value: unknown, what: string): Model {
  const fields = toFields(value);
  const isModel = typeof fields?.['doGenerate'] === 'function' && typeof fields['doStream'] === 'function';
  if (isModel && toText(fields['provider']) !== null && toText(fields['modelId']) !== null) return value as Model;
  throw new TachographError(
    value === undefined || value === null ? 'model-missing' : 'bad-argument',
    `${what} of a mixture is no language model of the AI SDK; pass the model object that the provider's function returns.`,
  );
}

function find(name: PresetModel, models: FindModel | undefined, what: string): object {
  if (models !== undefined) return models({ provider: name.provider, model: name.model });
  throw new TachographError(
    'model-missing',
    `${what} is named ${name.provider}:${name.model} by the preset; pass \`models\`, which finds a model by its names.`,
  );
}

/** True for options about a reference, not the model itself. */
function isOptions(value: object): value is ReferenceOptions {
  return 'model' in value && typeof (value as Fields)['doGenerate'] !== 'function';
}

function toReference(options: ReferenceOptions, what: string): Reference {
  const { reasoningEffort = null, contextTokens = null, stream = false } = options;
  return { model: checkModel(options.model, what), reasoningEffort, contextTokens, stream };
}

/**
 * The models that a mixture asks: those handed over, else those that the preset names. A reference that is a mixture is
 * skipped. Throws `model-missing` or `bad-argument`: no aggregator, one that is a mixture, or what is no model.
 */
export function toMembers(
  given: {
    readonly references?: readonly object[];
    readonly aggregator?: object;
    readonly models?: FindModel;
  },
  preset: Preset,
): Members {
  const named = preset.references
    .filter(({ enabled }) => enabled)
    .map((one, index): ReferenceOptions => ({ ...one, model: find(one, given.models, `Reference ${index + 1}`) }));
  const handed = given.references
    ?.map((one): ReferenceOptions => (isOptions(one) ? one : { model: one }))
    .filter(({ enabled }) => enabled !== false);
  const all = (handed ?? named).map((one, index) => toReference(one, `Reference ${index + 1}`));
  const aggregator = checkModel(
    given.aggregator ??
      (preset.aggregator === null ? undefined : find(preset.aggregator, given.models, 'The aggregator')),
    'The aggregator',
  );
  if (isMixture(aggregator))
    throw new TachographError('bad-argument', 'The aggregator of a mixture is itself a mixture; pass a plain model.');
  return {
    references: all.filter(({ model }) => !isMixture(model)),
    skipped: all.filter(({ model }) => isMixture(model)).map(({ model }) => model.modelId),
    aggregator,
    aggregatorEffort: given.aggregator === undefined ? (preset.aggregator?.reasoningEffort ?? null) : null,
  };
}
