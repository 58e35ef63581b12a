import type { FaultListener } from '../../core/listener.ts';
import { createSafely } from '../../core/listener.ts';
import type {
  Recorder,
  RunClose,
  RunRecorder,
  RunStart,
  StepFinish,
  StepRecorder,
} from '../../core/record/recording.ts';
import { setBounded } from './bounded.ts';
import type { OpenSpan, SpanBegin, SpanShape } from './span.ts';

// Agent frameworks tell of their work as a tree of spans, each with an id of its own and that of its parent:
//
//   agent ── model call                   run ── step
//         ├─ tool call ── agent     ►           ├─ step ── child run
//         └─ model call                         └─ step
//
// A span's parent is found by id first, by async scope second. A span that never ends is ended with its run, or when the
// recorder closes; past `spansMax` the oldest are forgotten, and their runs stay open until then.

const spansMax = 10_000;

/** The spans of one framework that are under way. No method throws (I1). */
export interface SpanBook {
  /** Begins a run or a step, written when this returns (I3). `null` when nothing is recorded, or a span has this id. */
  begin(span: SpanBegin): OpenSpan | null;
  find(id: string | null | undefined): OpenSpan | null;
  /** Puts what follows in this async flow inside the span's step or run: exchanges and runs begun there hang under it. */
  enter(id: string): void;
  /** Ends the span's own step, and the run that was begun only for it. Does nothing for an unknown id. */
  finish(id: string, finish: StepFinish): void;
  /** Ends the span's own run; steps that are still open in it end as interrupted. Does nothing for an unknown id. */
  close(id: string, close: RunClose): void;
  /** Forgets a span that was neither a run nor a step. */
  drop(id: string): void;
  /** Runs what must not reach the host when it fails (I1). */
  guard<T>(fn: () => T): T | undefined;
  readonly size: number;
}

interface Around {
  readonly run: RunRecorder;
  readonly step: StepRecorder | null;
}

const isUnderWay = (step: StepRecorder | null): step is StepRecorder =>
  step !== null && step.status === 'in_progress' && !step.run.closed;

/** How a run ends that was begun for one step alone. */
function finishToClose(finish: StepFinish): RunClose {
  const error = finish.error === undefined ? {} : { error: finish.error };
  if (finish.status === 'completed') return { endReason: 'ok' };
  return { endReason: finish.status === 'error' ? 'error' : 'cancelled', ...error };
}

/**
 * A book of one framework's spans. Inside another capture's tool or model step a span without a parent is a child run of
 * that step; inside the user's own run its steps are that run's. A run that this book began is no surrounding of a span
 * that names no parent in it: calls that start side by side share an async context and are not each other's children.
 */
export function createSpanBook(recorder: Recorder, onError?: FaultListener): SpanBook {
  const spanById = new Map<string, OpenSpan>();
  const ownRuns = new WeakSet<RunRecorder>();

  const safely = createSafely(onError);
  const guard = <T>(fn: () => T): T | undefined => safely<T | undefined>(fn, undefined);

  /** What async scope says is around: a tool at work always, else only what is not this book's. */
  const scopeAround = (): Around | null => {
    const current = recorder.currentStep();
    const step = isUnderWay(current) ? current : null;
    if (step !== null && (step.kind === 'tool' || !ownRuns.has(step.run))) return { run: step.run, step };
    const run = recorder.current();
    return run === null || run.closed || !run.recording || ownRuns.has(run) ? null : { run, step: null };
  };

  const startRun = (start: Omit<RunStart, 'parent'>, around: Around | null): RunRecorder => {
    const parent = around === null ? null : around.run.ref(around.step?.id ?? null);
    const run = recorder.startRun({ ...start, parent });
    ownRuns.add(run);
    return run;
  };

  const beginRun = (id: string, start: Omit<RunStart, 'parent'>, parent: OpenSpan | null): OpenSpan => {
    const around = parent ?? scopeAround();
    const joins = parent === null && around !== null && (around.step === null || around.step.kind === 'phase');
    if (joins) return { id, run: around.run, step: around.step, ownStep: null, ownsRun: false };
    return { id, run: startRun(start, around), step: null, ownStep: null, ownsRun: true };
  };

  const beginStep = (
    span: SpanBegin,
    shape: Exclude<SpanShape, { as: 'run' | 'through' }>,
    parent: OpenSpan | null,
  ): OpenSpan => {
    const around = parent ?? scopeAround();
    const isInside = parent === null && around !== null && around.step !== null && around.step.kind !== 'phase';
    const ownsRun = around === null || isInside;
    const run = ownsRun ? startRun(span.lone, around) : around.run;
    const above = ownsRun ? null : around.step;
    const start = { ...(above === null ? {} : { parentStepId: above.id }), ...shape.start };
    const step = shape.as === 'tool' ? run.tool({ ...shape.start, ...start }) : run.step({ ...shape.start, ...start });
    return { id: span.id, run, step, ownStep: step, ownsRun };
  };

  const begin = (span: SpanBegin): OpenSpan | null => {
    const parent = span.parentId === null ? null : (spanById.get(span.parentId) ?? null);
    const { shape } = span;
    if (shape.as === 'run') return beginRun(span.id, shape.start, parent);
    if (shape.as !== 'through') return beginStep(span, shape, parent);
    return parent === null ? null : { ...parent, id: span.id, ownStep: null, ownsRun: false };
  };

  return {
    guard,
    get size() {
      return spanById.size;
    },
    begin: (span) =>
      guard(() => {
        if (!recorder.recording || spanById.has(span.id)) return null;
        const open = begin(span);
        if (open === null) return null;
        setBounded(spanById, [span.id, open], spansMax);
        return open;
      }) ?? null,
    find: (id) => (id === null || id === undefined ? null : (spanById.get(id) ?? null)),
    enter: (id) =>
      void guard(() => {
        const open = spanById.get(id);
        (open?.step ?? open?.run)?.enter();
      }),
    finish: (id, finish) =>
      void guard(() => {
        const open = spanById.get(id);
        if (open === undefined) return;
        spanById.delete(id);
        open.ownStep?.finish(finish);
        if (open.ownsRun) open.run.close(finishToClose(finish));
      }),
    close: (id, close) =>
      void guard(() => {
        const open = spanById.get(id);
        if (open === undefined) return;
        spanById.delete(id);
        if (open.ownsRun) open.run.close(close);
      }),
    drop: (id) => void spanById.delete(id),
  };
}
