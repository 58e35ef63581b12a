import type { Clock } from '../../core/clock.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { unknownCost } from '../../core/model/cost.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import type { Advice } from './advice/guidance.ts';
import type { ViewMessage } from './advice/view.ts';
import { viewToPrompt } from './advice/view.ts';
import { trimView } from './advice/window.ts';
import type { Reference } from './members.ts';
import type { Preset } from './preset/preset.ts';
import type { Privacy } from './privacy.ts';
import type { Progress } from './progress.ts';
import { askReference } from './reference-call.ts';
import type { Spending } from './record/spending.ts';
import { modelToLabel, toProvider } from './record/model-call.ts';
import type { Schedule } from './schedule.ts';
import type { TracedCall } from './trace/line.ts';
import type { CallOptions } from './vendor.ts';

/** The most references that are asked at once. */
export const parallelMax = 8;

/** What references are asked with, whoever asks. */
export interface FanOutSettings {
  readonly presetName: string;
  readonly preset: Preset;
  readonly references: readonly Reference[];
  readonly instruction: string;
  readonly privacy: Privacy;
  readonly prices: Prices;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly tell: (progress: Progress) => void;
}

/** What one reference's call came to. */
export interface Asked {
  readonly advice: Advice;
  /** `null`: it was never asked. */
  readonly spending: Spending | null;
  readonly traced: TracedCall;
}

/** One fan-out that ran: its references in their order. */
export interface FanOut {
  readonly atMs: number;
  readonly asked: readonly Asked[];
  /** Whether it is to be written down, decided when it ran. */
  readonly traceFolder: string | null;
}

/** What a reference is called with: the view, no tools, and no setting but the preset's. */
export function toReferenceOptions(
  settings: Pick<FanOutSettings, 'preset' | 'instruction'>,
  reference: Reference,
  view: readonly ViewMessage[],
): CallOptions {
  const { referenceTemperature, referenceTokensMax } = settings.preset;
  const { contextTokens, reasoningEffort } = reference;
  const answerTokens = referenceTokensMax ?? Math.min(4096, Math.floor((contextTokens ?? 0) / 4));
  const windowTokens = contextTokens === null ? null : Math.max(64, contextTokens - answerTokens - 256);
  return {
    prompt: viewToPrompt(trimView(view, windowTokens), settings.instruction),
    ...(referenceTemperature === null ? {} : { temperature: referenceTemperature }),
    ...(referenceTokensMax === null ? {} : { maxOutputTokens: referenceTokensMax }),
    ...(reasoningEffort === null ? {} : { reasoning: reasoningEffort }),
  };
}

/** A reference that was never asked, because its turn was aborted before. */
function toSkipped(settings: FanOutSettings, reference: Reference, options: CallOptions): Asked {
  const { provider, modelId } = reference.model;
  return {
    advice: { label: modelToLabel(reference.model), text: null },
    spending: null,
    traced: {
      provider: toProvider(provider),
      model: modelId,
      temperature: settings.preset.referenceTemperature,
      inputMessages: options.prompt,
      output: null,
      usage: null,
      cost: unknownCost,
    },
  };
}

/**
 * Asks all references, at most eight at once, and waits for each; their order is kept. One that fails is a note. After an
 * abort no further one is asked, and none is waited for. Never rejects.
 */
export async function runFanOut(
  settings: FanOutSettings,
  at: { readonly run: RunRecorder; readonly iteration: number; readonly signal: AbortSignal | undefined },
  view: readonly ViewMessage[],
): Promise<readonly Asked[]> {
  const { references, tell } = settings;
  const asked: Asked[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < references.length) {
      const index = next;
      next += 1;
      const reference = references[index]!;
      const label = modelToLabel(reference.model);
      const options = toReferenceOptions(settings, reference, view);
      if (at.signal?.aborted === true) {
        asked[index] = toSkipped(settings, reference, options);
        tell({ type: 'reference', label, status: 'skipped' });
      } else {
        asked[index] = await askReference({ settings, reference, index, options, ...at }, (words) =>
          tell({ type: 'progress', done, count: references.length, label, words }),
        );
      }
      done += 1;
      tell({ type: 'progress', done, count: references.length, label: null, words: null });
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, references.length) }, work));
  return asked;
}
