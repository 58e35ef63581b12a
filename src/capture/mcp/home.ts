import { createHash } from 'node:crypto';
import type { EndReason } from '../../core/model/run.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import type { Connection } from './options.ts';

/** The runs of a connection's own: what no run in scope claims goes there. */
export interface Home {
  /** One of them is open. */
  readonly isBegun: boolean;
  /** The run for messages of a trace, or of none; begun when it is not there. */
  run(traceId: string | null): RunRecorder;
  /** How the server calls itself, once it has said so. */
  name(serverName: string | null): void;
  close(endReason: EndReason): void;
}

interface Trace {
  readonly run: RunRecorder;
  lastMs: number;
}

/** More traces at once than a server has callers; the one that was silent longest then ends. */
const tracesMax = 256;
/** A trace that was silent for so long is over. */
const idleMs = 5 * 60_000;

/**
 * A session id is what its client is known by: whoever reads it could speak in its place. The record has a digest, which
 * is the same for the same session.
 */
function toSessionId(given: unknown): { sessionId?: string } {
  if (typeof given !== 'string' || given === '') return {};
  return { sessionId: `mcp-${createHash('sha256').update(given).digest('hex').slice(0, 32)}` };
}

/** What a home asks of its connection. */
export interface HomeSurroundings {
  /** The transport's session id, which it may learn late. */
  transportId(): unknown;
  /** A call of this run has no answer yet. */
  isBusy(run: RunRecorder): boolean;
}

/** A connection's runs, none begun. */
export function createHome(options: Connection, around: HomeSurroundings): Home {
  const { recorder, side } = options;
  const traceById = new Map<string, Trace>();
  let agentId = options.agentId ?? null;

  const begin = (traceId: string | null): RunRecorder =>
    recorder.startRun({
      agentId: agentId ?? `mcp-${side}`,
      name: `MCP ${side}`,
      capture: 'mcp',
      parent: null,
      ...(side === 'server' ? toSessionId(around.transportId()) : {}),
      ...(options.sessionId === undefined ? {} : { sessionId: options.sessionId }),
      ...(traceId === null ? {} : { traceId }),
    });

  const end = (key: string, trace: Trace, endReason: EndReason): void => {
    traceById.delete(key);
    trace.run.close({ endReason });
  };

  const endSilent = (nowMs: number): void => {
    // A map keeps the order in which keys were put in, and each use puts its key in anew: the first is the most silent.
    for (const [key, trace] of traceById) {
      const isOver = traceById.size >= tracesMax || nowMs - trace.lastMs >= idleMs;
      if (key !== '' && isOver && !around.isBusy(trace.run)) end(key, trace, 'ok');
    }
  };

  return {
    get isBegun() {
      return traceById.size > 0;
    },
    run(traceId) {
      const key = traceId ?? '';
      const nowMs = performance.now();
      let trace = traceById.get(key);
      if (trace === undefined || trace.run.closed) {
        endSilent(nowMs);
        trace = { run: begin(traceId), lastMs: nowMs };
      }
      trace.lastMs = nowMs;
      traceById.delete(key);
      traceById.set(key, trace);
      return trace.run;
    },
    name(serverName) {
      agentId ??= serverName;
    },
    close(endReason) {
      for (const [key, trace] of [...traceById]) end(key, trace, endReason);
    },
  };
}
