import type { Clock } from '../../core/clock.ts';
import type { EndReason } from '../../core/model/run.ts';
import type { Recorder, RunRecorder } from '../../core/record/recording.ts';

/** Runs of calls that say which trace they belong to: one run for each trace, open until it falls silent. */
export interface Traces {
  /** The run of a trace, begun with this agent when it is new; a call of it is under way from now on. */
  enter(traceId: string, agentId: string): RunRecorder;
  /** A call of the run is over, and how. */
  leave(traceId: string, endReason: EndReason): void;
  closeAll(): void;
}

interface Trace {
  readonly run: RunRecorder;
  open: number;
  lastMs: number;
  endReason: EndReason;
}

const tracesMax = 256;
const sweepMs = 30_000;

/** No traces yet. */
export function createTraces(of: { recorder: Recorder; clock: Clock; idleMs: number }): Traces {
  const traceById = new Map<string, Trace>();
  let timer: NodeJS.Timeout | null = null;

  const close = (traceId: string, trace: Trace): void => {
    traceById.delete(traceId);
    trace.run.close({ endReason: trace.endReason });
  };

  const sweep = (): void => {
    const nowMs = of.clock.monotonicMs();
    for (const [traceId, trace] of [...traceById])
      if (trace.open === 0 && nowMs - trace.lastMs >= of.idleMs) close(traceId, trace);
    if (traceById.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };

  const makeRoom = (): void => {
    if (traceById.size < tracesMax) return;
    const idle = [...traceById].filter(([, trace]) => trace.open === 0).sort(([, a], [, b]) => a.lastMs - b.lastMs)[0];
    if (idle !== undefined) close(...idle);
  };

  return {
    enter(traceId, agentId) {
      let trace = traceById.get(traceId);
      if (trace === undefined) {
        makeRoom();
        const run = of.recorder.startRun({ agentId, capture: 'proxy', parent: null, traceId });
        trace = { run, open: 0, lastMs: 0, endReason: 'interrupted' };
        traceById.set(traceId, trace);
        timer ??= setInterval(sweep, sweepMs).unref();
      }
      trace.open += 1;
      return trace.run;
    },
    leave(traceId, endReason) {
      const trace = traceById.get(traceId);
      if (trace === undefined) return;
      trace.open = Math.max(0, trace.open - 1);
      trace.lastMs = of.clock.monotonicMs();
      trace.endReason = endReason;
    },
    closeAll() {
      for (const [traceId, trace] of [...traceById]) close(traceId, trace);
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}
