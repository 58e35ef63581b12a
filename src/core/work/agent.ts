/** What a tool does to the world: nothing, something that may be done twice, something that may not. */
export const toolClasses = ['read', 'idempotent', 'destructive'] as const;

/** One of the classes, in rising order. */
export type ToolClass = (typeof toolClasses)[number];

/** A tool as its agent registers it. */
export interface RegisteredTool {
  readonly name: string;
  /** `null`: not said; then hints and the name decide, and in doubt it is destructive. */
  readonly class: ToolClass | null;
  /** Environments that it may be called in, such as `staging`; empty: any. */
  readonly environments: readonly string[];
  /** JSON text that stands in for its result in a rehearsal; `null`: a marked stub does. */
  readonly synthetic: string | null;
}

/** An agent as it is registered in a project. */
export interface Agent {
  readonly projectId: string;
  readonly agentId: string;
  readonly tools: readonly RegisteredTool[];
  /** Runs under a lease at a time, by all workers; `null`: any number. */
  readonly runsMax: number | null;
  /** Version of the handler that the newest worker has. */
  readonly handlerVersion: string | null;
  readonly updatedAtMs: number;
}
