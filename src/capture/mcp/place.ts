import type { Recorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';

// Where a call is recorded, and when it is not counted.
//
//   tools/call inside an open tool step of the same name    a phase under that step: one call, seen a layer lower
//   anything inside a call of this connection               under that call's step
//   a client's call inside a run                            a step of that run
//   anything else                                           a step of the connection's own run
//
// A framework whose tool is an MCP tool opens a tool step and then calls the server: both are the same call. It is a
// second tool step only when the step in scope has another name, as a tool of one's own that calls others. Frameworks
// put the server's name in front (`github_search`, `mcp__github__search`), which is the same name. A step without a name
// is taken for the same call: what is counted once too few can be seen, what is counted twice cannot.

/** True when a tool's name is the other, or the other with something put in front. */
function isSameTool(known: string, name: string): boolean {
  if (known === name) return true;
  return known.endsWith(name) && /[^a-z0-9]$/i.test(known.slice(0, -name.length));
}

/** The open tool step in scope that is this very call, seen a layer higher; or `null`. */
export function findCarrier(recorder: Recorder, toolName: string): StepRecorder | null {
  const step = recorder.currentStep();
  if (step === null || step.kind !== 'tool' || step.status !== 'in_progress' || step.run.closed) return null;
  return step.name === null || isSameTool(step.name, toolName) ? step : null;
}

/** A place for a step. */
export interface Place {
  readonly run: RunRecorder;
  /** The step it belongs under. What is withheld of that one is withheld of this one too. */
  readonly above: StepRecorder | null;
  /** The step above is this very call. */
  readonly isCarried: boolean;
}

/** The place under a step; `isCarried` when that is the same call, seen a layer higher. */
export function placeUnder(above: StepRecorder, isCarried = false): Place {
  return { run: above.run, above, isCarried };
}

/** The place in a run: under the step in scope when that is one of its own. */
export function placeIn(recorder: Recorder, run: RunRecorder): Place {
  const step = recorder.currentStep();
  return { run, above: step !== null && step.run.id === run.id ? step : null, isCarried: false };
}

/** The step above asked that its words are not recorded. Either side of a call may show in the other: both are left out. */
export function isWithheld({ above }: Place): boolean {
  return above !== null && (above.inputsWithheld || above.outputsWithheld);
}
