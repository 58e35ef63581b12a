import type { Recorder, RunClose, RunRecorder } from '../../../core/record/recording.ts';
import type { Schedule } from '../schedule.ts';
import type { Iteration } from './iteration.ts';
import { createIteration } from './iteration.ts';

/*
 * One user turn, one run of kind `moa_turn`.
 *
 *   open ── answered, no tool asked for ───────────────→ closed ok
 *   open ── answered, tools asked for ──┐
 *   open ── failed, worth another try ──┴─ idle ──┬────→ next iteration or try
 *                                                 └────→ closed, by the last outcome: the caller's run ended, silence,
 *                                                        or the recorder closed
 *   open ── failed for good, aborted ──────────────────→ closed error, cancelled or timeout
 */

/** A user turn of a mixture. */
export interface Turn {
  readonly run: RunRecorder;
  /** The iteration with this state: the one whose last try failed, or a new one. */
  iterate(state: string): Iteration;
  /** A call of the turn begins: it is not closed meanwhile. */
  begin(): void;
  /** That call has ended. `isLast`: nothing of this turn is expected to follow. */
  end(close: RunClose, isLast: boolean): void;
}

/** Where a call is made. */
export interface TurnPlace {
  readonly place: string;
  /** The run that calls, when it is known. */
  readonly caller: RunRecorder | null;
  /** Begins the run of a turn. */
  readonly start: () => RunRecorder;
}

/** Finds the turn that a call belongs to. */
export interface TurnBook {
  /**
   * `place` names the session or the calling run, `digest` is that of the conversation up to the last user message: the
   * same two are the same turn until it is closed.
   */
  turnOf(at: TurnPlace, digest: string): Turn;
}

interface OpenTurn extends Turn {
  /** Closes it by its last outcome, unless a call is under way. */
  settle(): void;
}

const lookMs = 1000;

const openTurnsByRecorder = new WeakMap<Recorder, Set<OpenTurn>>();

/** The open turns of a recorder, of whichever mixture: settled when it closes. A mixture may be made for every request. */
function openTurnsOf(recorder: Recorder): Set<OpenTurn> {
  const known = openTurnsByRecorder.get(recorder);
  if (known !== undefined) return known;
  const turns = new Set<OpenTurn>();
  openTurnsByRecorder.set(recorder, turns);
  recorder.onClose(() => {
    for (const turn of [...turns]) turn.settle();
  });
  return turns;
}

/** An empty book; `idleMs` is how long a turn waits for what follows. */
export function createTurnBook(of: {
  readonly recorder: Recorder;
  readonly schedule: Schedule;
  readonly idleMs: number;
}): TurnBook {
  const openByKey = new Map<string, OpenTurn>();
  const openTurns = openTurnsOf(of.recorder);

  const open = (key: string, { caller, start }: TurnPlace): OpenTurn => {
    const run = start();
    const iterations = new Map<string, Iteration>();
    let calls = 0;
    let count = 0;
    let last: RunClose = { endReason: 'interrupted' };
    let stopLooking: () => void = () => undefined;
    const close = (end: RunClose): void => {
      stopLooking();
      openTurns.delete(turn);
      if (openByKey.get(key) === turn) openByKey.delete(key);
      for (const iteration of iterations.values()) iteration.abandon();
      run.close(end);
    };
    /** Nobody tells that a caller is done: its run is looked at, and silence ends the rest. */
    const look = (waitedMs: number): void => {
      stopLooking = of.schedule(() => {
        if (calls === 0 && (waitedMs >= of.idleMs || caller?.closed === true)) close(last);
        else look(calls > 0 ? 0 : waitedMs + lookMs);
      }, lookMs);
    };
    const turn: OpenTurn = {
      run,
      iterate(state) {
        const known = iterations.get(state);
        if (known !== undefined && known.hasFailed) return known;
        // A try that is never made again has failed for good once the conversation has gone on.
        for (const other of iterations.values()) if (other.hasFailed) other.abandon();
        const fresh = createIteration(run, count);
        count += 1;
        iterations.set(state, fresh);
        return fresh;
      },
      begin() {
        calls += 1;
        stopLooking();
      },
      end(outcome, isLast) {
        calls -= 1;
        last = outcome;
        if (calls > 0) return;
        if (isLast) close(outcome);
        else look(0);
      },
      settle() {
        if (calls === 0) close(last);
      },
    };
    openTurns.add(turn);
    return turn;
  };

  return {
    turnOf(at, digest) {
      const key = `${at.place}/${digest}`;
      const known = openByKey.get(key);
      if (known !== undefined && !known.run.closed) return known;
      const fresh = open(key, at);
      openByKey.set(key, fresh);
      return fresh;
    },
  };
}
