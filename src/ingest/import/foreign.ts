import type { EndReason } from '../../core/model/run.ts';
import type { AttemptFinish, AttemptRequest, StepFinish, StepStart } from '../../core/record/recording.ts';

/** Formats of other tools that are imported. */
export const foreignFormats = ['swe-agent', 'moa', 'ai-sdk-devtools'] as const;

/** One of them. */
export type ForeignFormat = (typeof foreignFormats)[number];

/** One operation as a foreign file tells it. Times are Unix milliseconds; `null` is what the file does not tell. */
export interface ForeignStep {
  /** What the file calls it, for what hangs below it; `null` when nothing does. */
  readonly key: string | null;
  readonly parentKey: string | null;
  readonly startedAtMs: number | null;
  readonly durationMs: number | null;
  readonly start: StepStart;
  readonly finish: StepFinish;
  readonly attempt: { readonly request: AttemptRequest; readonly finish: AttemptFinish } | null;
}

/** One run as a foreign file tells it. */
export interface ForeignRun {
  /** Tells this run from every other of its format: the same each time it is read. */
  readonly identity: string;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly agentId: string;
  readonly kind: string | null;
  readonly name: string | null;
  readonly sessionId: string | null;
  readonly model: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The run it was started from, by identity, and the step there, by key. */
  readonly parent: { readonly identity: string; readonly stepKey: string | null } | null;
  readonly inputs: unknown;
  readonly output: unknown;
  readonly error: unknown;
  readonly endReason: EndReason;
  /** What else the file says of the run; kept beside the steps. */
  readonly notes: readonly { readonly type: string; readonly data: unknown }[];
  readonly steps: readonly ForeignStep[];
}

/** A part of a file that could not be read; the rest was. */
export interface BrokenPart {
  /** Where: `line 3`, `run x, step y`. */
  readonly place: string;
  readonly why: string;
}

/** What a file is made of, in its order. */
export type ForeignPart =
  | { readonly kind: 'run'; readonly run: ForeignRun }
  | { readonly kind: 'broken'; readonly broken: BrokenPart };

/** A file as it is read. */
export interface ForeignFile {
  /** Its name, without a path. */
  readonly name: string;
  /** Its bytes, from the beginning each time. */
  read(): AsyncIterable<Uint8Array>;
}

/** A run part. */
export const runPart = (run: ForeignRun): ForeignPart => ({ kind: 'run', run });

/** A part that is broken. */
export const brokenPart = (place: string, why: string): ForeignPart => ({ kind: 'broken', broken: { place, why } });
