import type { Clock } from '../../core/clock.ts';
import type { Prices } from '../../core/cost/prices.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { FindModel, ReferenceOptions } from './members.ts';
import type { Preset } from './preset/preset.ts';
import type { TraceSettings } from './preset/shelf.ts';
import type { PrivacyMode } from './privacy.ts';
import type { OnProgress } from './progress.ts';
import type { Schedule } from './schedule.ts';

/** How a mixture is made. Its models are handed over, or named by the preset and found by `models`. */
export interface MixtureOptions<M extends object = object> {
  /** Language models of the AI SDK, or options about them. Not models that are recorded already: they are here. */
  readonly references?: readonly (object | ReferenceOptions)[];
  /** The model that acts and answers. */
  readonly aggregator?: M;
  /** Some of a preset, or the name of one in `moa.json` of the data folder. */
  readonly preset?: string | Partial<Preset>;
  /** What the guidance and the record call the preset, when it is not taken by name. Default `default`. */
  readonly name?: string;
  readonly models?: FindModel;
  /** The data folder: presets by name, and where traces go. Default `TACHOGRAPH_HOME`, when it is set. */
  readonly home?: string;
  /** Left out: the recorder that `tachograph run` made in this process, if it did. `null`: nothing is recorded. */
  readonly recorder?: Recorder | null;
  /** Agent id of the recorded runs. Default `moa`. */
  readonly agentId?: string;
  /** The conversation that calls belong to: turns, record and trace files go by it. Asked at each call. */
  readonly sessionId?: string | null | (() => string | null);
  /** What references are told they are for. */
  readonly instruction?: string;
  readonly privacy?: PrivacyMode;
  /** Whether fan-outs are written to trace files. Read at each fan-out. Default: as `moa.json` says, else not. */
  readonly traces?: TraceSettings | (() => TraceSettings);
  /** The host keeps a streamed answer in its own session: traces then say so instead of repeating it. */
  readonly isOutputKeptBySession?: boolean;
  readonly onProgress?: OnProgress;
  /** Told of what went wrong in here; no turn is touched by it (I1). */
  readonly onError?: (error: unknown) => void;
  /** What calls cost whose provider does not say. Default: the list prices of this version. */
  readonly prices?: Prices;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  /** A turn whose next iteration does not come for so long is over. Default ten minutes. */
  readonly idleMs?: number;
}
