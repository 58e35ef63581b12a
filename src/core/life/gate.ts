import { nullRun, nullStep, nullTool } from '../recorder/null-recorder.ts';
import type { Scope } from '../recorder/scope.ts';
import type { RunRecorder, RunStart, StepRecorder } from '../record/recording.ts';
import { TachographError } from '../error.ts';
import type { ReadSwitches } from './switches.ts';
import { isRecorded } from './switches.ts';

/** Decides at the beginning of each run whether it is recorded. */
export interface Gate {
  /** A run that records nothing, when this one is not to be recorded; else `null`. */
  mutedFor(start: RunStart): RunRecorder | null;
  /** A run began: those under it are asked for with its caller, unless they name their own. */
  note(run: RunRecorder, start: RunStart): void;
}

/** Turns remembered, oldest forgotten first: more than one process has under way. */
const turnsMax = 10_000;

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > turnsMax) map.delete(map.keys().next().value!);
}

/** A run without a record. What begins inside it belongs to the same turn and has none either. */
function createMutedRun(scope: Scope): RunRecorder {
  const within = <T>(fn: () => T): T => scope.enter({ run: muted, step: null }, fn);
  const enter = (): void => scope.enterHere({ run: muted, step: null });
  const step: StepRecorder = {
    ...nullStep,
    get run() {
      return muted;
    },
    within,
    enter,
  };
  const muted: RunRecorder = {
    ...nullRun,
    within,
    enter: (): void => scope.enterHere({ run: muted, step: null }),
    step: () => step,
    tool: () => ({ ...nullTool, ...step, succeed: nullTool.succeed, fail: nullTool.fail }),
  };
  return muted;
}

/**
 * A gate over switches. A turn is a root run with all runs under it: the first "off" in it holds for the rest of it,
 * whatever the switches say later. Switches that cannot be read are off, which is told once until they can be.
 */
export function createGate(parts: {
  readonly read: ReadSwitches;
  readonly scope: Scope;
  readonly onError: (error: unknown) => void;
}): Gate {
  const { read, scope } = parts;
  const mutedRuns = new WeakSet<RunRecorder>();
  const callerByTurn = new Map<string, string | null>();
  const offTurns = new Map<string, true>();
  let isTold = false;

  const ask = (callerId: string | null): boolean => {
    try {
      const isOn = isRecorded(read(callerId), false);
      isTold = false;
      return isOn;
    } catch (cause) {
      if (!isTold) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const message = `Whether to record cannot be read, so nothing is recorded that begins now: ${why}`;
        parts.onError(new TachographError('bad-argument', message, { cause }));
      }
      isTold = true;
      return false;
    }
  };

  /** The run above, as far as it tells of a turn: muted, a root's id, or none. */
  const turnOf = (start: RunStart): 'muted' | string | null => {
    const parent = start.parent === undefined ? scope.state().run : start.parent;
    if (parent === null) return null;
    if (mutedRuns.has(parent as RunRecorder)) return 'muted';
    const { rootRunId, runId } = parent as { rootRunId?: unknown; runId?: unknown };
    // The reference that a muted run gives away names no run.
    if (runId === nullRun.id || rootRunId === nullRun.id) return 'muted';
    return typeof rootRunId === 'string' ? rootRunId : null;
  };

  /** A run under a lease is around it, or is its parent. */
  const isGoverned = ({ parent }: RunStart): boolean =>
    ((parent ?? {}) as Partial<RunRecorder>).gate != null || (scope.state().run?.gate ?? null) !== null;

  const mute = (): RunRecorder => {
    const run = createMutedRun(scope);
    mutedRuns.add(run);
    return run;
  };

  return {
    mutedFor(start) {
      // Whoever holds a lease or spends a budget must be able to answer for it.
      if (start.governed === true || isGoverned(start)) return null;
      const turn = turnOf(start);
      if (turn === 'muted' || (turn !== null && offTurns.has(turn))) return mute();
      const callerId = start.callerId ?? (turn === null ? null : (callerByTurn.get(turn) ?? null));
      if (ask(callerId)) return null;
      if (turn !== null) remember(offTurns, turn, true);
      return mute();
    },
    note(run, start) {
      if (start.callerId !== undefined || !callerByTurn.has(run.rootRunId))
        remember(callerByTurn, run.rootRunId, start.callerId ?? null);
    },
  };
}
