import type { Recorder, RunRecorder } from '../../core/record/recording.ts';

/** How a server's recording is made. */
export interface McpRecordOptions {
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
  /** `client` when left out; for servers there is `recordServer`. */
  readonly side?: Side;
}

/** What a connection's recording goes by. */
export interface Connection extends McpRecordOptions {
  readonly recorder: Recorder;
  readonly side: Side;
}

/** The end of a connection that a transport belongs to. */
export type Side = 'client' | 'server';

/** Which way a message goes, as its own end sees it. */
export type Direction = 'sent' | 'received';
