import type { JoinedRun } from '../../core/record/recording.ts';
import type { RegisteredTool, ToolClass } from '../../core/work/agent.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { RetryPolicy } from '../../core/work/retry.ts';
import type { CallVerdict, IntendedCall } from '../../core/work/shadow/interception.ts';
import type { ToolHints } from '../../core/work/shadow/tool-class.ts';
import type { EndReason, RunStatus } from '../../core/model/run.ts';

/** A run as its handler sees it. Words are as they were given, times are the store's. */
export interface HandledRun {
  readonly id: string;
  readonly agentId: string;
  readonly projectId: string;
  readonly kind: string;
  readonly name: string | null;
  readonly input: unknown;
  /** From 1. */
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly leaseEpoch: number;
  readonly traceId: string;
  /** W3C trace context for what the handler calls. */
  readonly traceparent: string;
  readonly parentRunId: string | null;
  readonly rootRunId: string;
  readonly sessionId: string | null;
  readonly callerId: string | null;
  readonly channelId: string | null;
  readonly endUserId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly triggerType: string;
  readonly triggerRef: string | null;
  readonly shadow: boolean;
  readonly dryRun: boolean;
  readonly handlerVersion: string | null;
  readonly createdAtMs: number;
  readonly timeoutAtMs: number | null;
}

/** What a tool gets besides its arguments. */
export interface ToolCall {
  /** The same in every attempt of this call: whoever gets it twice does it once. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** The step that records it. */
  readonly stepId: string;
}

/** What a person or a look at the other side says of a call that nobody knows to have been done. */
export type DoubtAnswer<T> = { readonly result: T } | { readonly repeat: true };

/** How a tool is called. */
export interface ToolOptions<T> {
  /** The agent's word for it, where the agent did not register the tool. Left out, its hints and its name decide. */
  readonly class?: ToolClass;
  /** What the tool says of itself, and whether whoever gave it is trusted. */
  readonly hints?: ToolHints;
  readonly isTrusted?: boolean;
  /** It sends words to a person or a system outside. */
  readonly isMessage?: boolean;
  /** In place of the one made of run, name, occurrence and arguments. */
  readonly idempotencyKey?: string;
  /** The model's own id of the call. */
  readonly callId?: string;
  /** Asked when a destructive call was begun under a lease that was lost: gives its result, or lets it be repeated. */
  readonly onDoubt?: (call: ToolCall) => Promise<DoubtAnswer<T>> | DoubtAnswer<T>;
}

/** How a child run stands when its parent has waited for it. */
export interface ChildEnd {
  readonly runId: string;
  readonly status: RunStatus;
  readonly endReason: EndReason | null;
  /** As the record has it, redacted; `undefined` when there is none. */
  readonly output: unknown;
}

/**
 * What a handler works with. Every method rejects at once when the lease is lost (`E-RUN-004`), the run was ended
 * (`E-RUN-006`) or is out of time (`E-RUN-005`); from then on nothing that the handler does changes the run (I9).
 */
export interface RunContext {
  /** Records what has no method here. Captures inside the handler find it by themselves. */
  readonly recorder: JoinedRun;
  /** Aborted with a TachographError when the run is no longer this worker's. */
  readonly signal: AbortSignal;
  /** True while what is asked for next is remembered from an earlier lease. */
  readonly isReplaying: boolean;
  /** Does something once: a lease that takes the run over gets what `fn` gave, by way of JSON. `memo-conflict` with another input. */
  step<T>(name: string, fn: () => Promise<T> | T): Promise<T>;
  step<T>(name: string, options: { readonly input?: unknown }, fn: () => Promise<T> | T): Promise<T>;
  /** Calls a tool that was announced before. What was begun, is destructive and has no known end is never repeated. */
  tool<A, T>(
    name: string,
    args: A,
    fn: (args: A, call: ToolCall) => Promise<T> | T,
    options?: ToolOptions<T>,
  ): Promise<T>;
  /** Gives the run back for a time; a worker goes on from here afterwards. */
  sleep(wait: number | { readonly untilMs: number }): Promise<void>;
  /** The payload of the next signal of a name, or `null` when none came in time. */
  waitForSignal(name: string, options?: { readonly timeoutMs?: number }): Promise<unknown>;
  /** Creates a run with this one as its parent, once. */
  startRun(request: Omit<RunRequest, 'parentRunId'>): Promise<{ readonly runId: string }>;
  /** Waits for the end of a run that this one started. */
  waitFor(runId: string): Promise<ChildEnd>;
  /** Asks the store whether the lease is in force, for what must not be done without it. */
  fence(): Promise<void>;
}

/** Does the work of a run; what it returns is the run's output, what it throws its failure. */
export type Handler = (run: HandledRun, context: RunContext) => unknown;

/** An agent as a worker takes it on. */
export interface AgentRegistration {
  readonly run: Handler;
  readonly version?: string;
  /** Runs of it under a lease at a time, by all workers together. */
  readonly runsMax?: number;
  readonly retry?: RetryPolicy;
  readonly tools?: readonly RegisteredTool[];
}

/** Says what happens to a tool call before it is made: it runs, is answered in its place, or is kept from running. */
export type JudgeTool = (
  run: HandledRun,
  call: IntendedCall & { readonly class: ToolClass | null },
) => Promise<CallVerdict> | CallVerdict;
