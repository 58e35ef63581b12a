import type { RunRecorder, RunStart, StepRecorder, StepStart, ToolStart } from '../../core/record/recording.ts';

/** What a span of a framework is in the record. */
export type SpanShape =
  /** One execution of an agent. */
  | { readonly as: 'run'; readonly start: Omit<RunStart, 'parent'> }
  | { readonly as: 'step'; readonly start: StepStart }
  | { readonly as: 'tool'; readonly start: ToolStart }
  /** Nothing of its own: what is below it hangs on what is above it. */
  | { readonly as: 'through' };

/** A span as its framework announces it: its own id, and that of the span around it. */
export interface SpanBegin {
  readonly id: string;
  /** `null` for an outermost span. One that this book never saw counts as outermost too. */
  readonly parentId: string | null;
  readonly shape: SpanShape;
  /** The run that a step without any run around it gets for itself. */
  readonly lone: Omit<RunStart, 'parent'>;
}

/** A span under way. */
export interface OpenSpan {
  readonly id: string;
  /** The run that its steps, and those below it, belong to. */
  readonly run: RunRecorder;
  /** Its own step, or the nearest one above it in the same run. */
  readonly step: StepRecorder | null;
  /** The step that begins and ends with this span, or `null`. */
  readonly ownStep: StepRecorder | null;
  /** The run began with this span and ends with it. */
  readonly ownsRun: boolean;
}
