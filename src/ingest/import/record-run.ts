import type { ParentRef, Recorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';
import type { ForeignRun, ForeignStep } from './foreign.ts';
import type { ImportClock } from './import-time.ts';

/** A run as what hangs below it refers to it, by the step's key where one is known. */
export type ParentOf = (stepKey: string | null) => ParentRef;

/** What a recorded run carries that its file does not say. */
export interface RunPlace {
  readonly runId: string;
  /** The time of what the file gives none for. */
  readonly fallbackMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly parent: ParentOf | null;
}

interface Parts {
  readonly recorder: Recorder;
  readonly clock: ImportClock;
}

function recordStep(run: RunRecorder, step: ForeignStep, at: { clock: ImportClock; ids: Map<string, string> }): void {
  const parentStepId = step.parentKey === null ? undefined : at.ids.get(step.parentKey);
  const start = { ...step.start, ...(parentStepId === undefined ? {} : { parentStepId }) };
  const recorded: StepRecorder =
    start.kind === 'tool' ? run.tool({ ...start, name: start.name ?? 'tool' }) : run.step(start);
  if (step.key !== null) at.ids.set(step.key, recorded.id);
  const attempt = step.attempt === null ? null : recorded.attempt(step.attempt.request);
  if (step.startedAtMs !== null) at.clock.set(step.startedAtMs + (step.durationMs ?? 0));
  if (step.attempt !== null) attempt?.finish(step.attempt.finish);
  recorded.finish(step.finish);
}

/** Writes a run as its file tells it, at the times the file tells. Every event is there when this returns. */
export function recordRun({ recorder, clock }: Parts, foreign: ForeignRun, place: RunPlace): ParentOf {
  const startMs = foreign.startedAtMs ?? place.fallbackMs;
  clock.set(startMs);
  const run = recorder.startRun({
    runId: place.runId,
    agentId: foreign.agentId,
    source: 'import',
    capture: 'import',
    observedAfter: true,
    parent: place.parent?.(foreign.parent?.stepKey ?? null) ?? null,
    labels: { ...foreign.labels, ...place.labels },
    ...(foreign.kind === null ? {} : { kind: foreign.kind }),
    ...(foreign.name === null ? {} : { name: foreign.name }),
    ...(foreign.sessionId === null ? {} : { sessionId: foreign.sessionId }),
    ...(foreign.model === null ? {} : { model: foreign.model }),
    ...(foreign.inputs === undefined ? {} : { inputs: foreign.inputs }),
  });
  for (const { type, data } of foreign.notes) run.log(type, data);
  const ids = new Map<string, string>();
  for (const step of foreign.steps) {
    clock.set(step.startedAtMs ?? clock.nowMs());
    recordStep(run, step, { clock, ids });
  }
  clock.set(Math.max(startMs, foreign.finishedAtMs ?? clock.nowMs()));
  run.close({
    endReason: foreign.endReason,
    ...(foreign.output === undefined ? {} : { output: foreign.output }),
    ...(foreign.error === undefined ? {} : { error: foreign.error }),
  });
  return (stepKey) => run.ref(stepKey === null ? null : (ids.get(stepKey) ?? null));
}
