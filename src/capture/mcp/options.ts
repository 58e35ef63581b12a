import type { Recorder, RunRecorder } from '../../core/record/recording.ts';

/** How a server's recording is made. Only the recorder is needed. */
export interface McpRecordOptions {
  readonly recorder: Recorder;
  /** Everything goes into this run. Left out: the run in scope on a client's side, else a run for the connection. */
  readonly run?: RunRecorder;
  /** The agent of runs begun here. Left out: the server's own name, else `mcp-client` or `mcp-server`. */
  readonly agentId?: string;
  /** The session of runs begun here. Left out: on a server's side a digest of the transport's session id. */
  readonly sessionId?: string;
  /** Told of what went wrong in here; the host never is (I1). */
  readonly onError?: (error: unknown) => void;
}

/** How a transport's recording is made: besides the rest, which end of the connection it is. */
export interface McpTransportOptions extends McpRecordOptions {
  readonly side: Side;
}

/** The end of a connection that a transport belongs to. */
export type Side = 'client' | 'server';

/** Which way a message goes, as its own end sees it. */
export type Direction = 'sent' | 'received';

/** Runs `work`; what it throws is told, and `fallback` is the answer (I1). */
export type Guard = <T>(work: () => T, fallback: T) => T;

/** A guard that tells `onError`. */
export function createGuard(onError: (error: unknown) => void = () => undefined): Guard {
  return (work, fallback) => {
    try {
      return work();
    } catch (error) {
      try {
        onError(error);
      } catch {
        // A listener that throws has told its own fault away; there is nobody left to tell.
        return fallback;
      }
      return fallback;
    }
  };
}
