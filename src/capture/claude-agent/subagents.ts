import type { ParentRef, RunClose, RunRecorder, RunStart } from '../../core/record/recording.ts';
import { taskToReason } from './outcome.ts';
import type { ThreadSurroundings } from './thread.ts';
import { AgentThread } from './thread.ts';
import type { Fields } from './vendor.ts';
import { toText } from './vendor.ts';

/** What the subagents of one query share. */
export interface SubagentSurroundings extends ThreadSurroundings {
  startRun(start: Omit<RunStart, 'sessionId'>): RunRecorder;
  /** The run of the main agent. */
  main(): RunRecorder;
  /** Waits a moment for a message that says it. */
  placed(isKnown: () => boolean): Promise<void>;
}

/**
 * The subagents of one query: a run each, under the tool call that started it. Hooks name the agent, messages name agent and
 * call; of several calls that could have started it none is guessed, and the run then hangs under its parent alone.
 */
export class Subagents {
  readonly #of: SubagentSurroundings;
  readonly #threadById = new Map<string, AgentThread>();
  readonly #closed = new Set<AgentThread>();
  readonly #callIdById = new Map<string, string>();

  constructor(of: SubagentSurroundings) {
    this.#of = of;
  }

  /** The thread of an agent, with a run begun when it is first heard of. */
  thread(agentId: string, type: string | null): AgentThread {
    const known = this.#threadById.get(agentId);
    if (known !== undefined) return known;
    const callId = this.#callIdById.get(agentId);
    const spawner = callId === undefined ? null : this.#of.tools.spawner(callId);
    const description = toText(spawner?.args['description']);
    const prompt = toText(spawner?.args['prompt']);
    const main = this.#of.main();
    const parent: ParentRef = spawner === null ? main.ref() : spawner.tool.run.ref(spawner.tool.id);
    const run = this.#of.startRun({
      agentId: type ?? 'subagent',
      parent,
      labels: { subagent: agentId },
      ...(description === null ? {} : { name: description }),
      ...(prompt === null ? {} : { inputs: prompt }),
    });
    const thread = new AgentThread(this.#of, run, main.id);
    this.#threadById.set(agentId, thread);
    return thread;
  }

  /** The thread that a message belongs to; `null` for one of the main agent. */
  threadOf(message: Fields): AgentThread | null {
    const callId = toText(message['parent_tool_use_id']);
    const agentId = toText(message['agent_id']) ?? (callId === null ? null : this.#agentOf(callId));
    if (agentId === null) return null;
    if (callId !== null) this.link(agentId, callId);
    return this.thread(agentId, toText(message['subagent_type']));
  }

  /** Which call started an agent. One that is woken by a later call stays where it began. */
  link(agentId: string, callId: string): void {
    if (!this.#callIdById.has(agentId)) this.#callIdById.set(agentId, callId);
  }

  /** An agent begins. */
  async start(agentId: string, type: string | null): Promise<void> {
    const known = this.#threadById.get(agentId);
    // An agent that is woken again after its end has a run for each time.
    if (known !== undefined && this.#closed.has(known)) this.#threadById.delete(agentId);
    const isLinked = (): boolean => this.#callIdById.has(agentId);
    const candidates = (): readonly string[] => this.#of.tools.candidates(type, new Set(this.#callIdById.values()));
    // One call that can have started it is the one; of several, a message says which.
    await this.#of.placed(() => isLinked() || candidates().length < 2);
    const [only, ...others] = candidates();
    if (!isLinked() && only !== undefined && others.length === 0) this.link(agentId, only);
    this.thread(agentId, type);
  }

  /** An agent has said its last words; messages of it may still be on their way. */
  stop(agentId: string | null, words: string | null, isOver: boolean): void {
    const thread = agentId === null ? undefined : this.#threadById.get(agentId);
    if (thread === undefined) return;
    thread.lastWords = words ?? thread.lastWords;
    if (isOver) this.#close(thread, { endReason: 'ok' });
  }

  /** What the SDK says of a task, which ends the agent's run when it is the last word. */
  task(agentId: string | null, told: Fields): void {
    const thread = agentId === null ? undefined : this.#threadById.get(agentId);
    const endReason = taskToReason(told['status']);
    if (thread === undefined || endReason === null) return;
    const error = endReason === 'error' ? new Error(toText(told['error']) ?? 'the subagent failed') : undefined;
    this.#close(thread, { endReason, ...(error === undefined ? {} : { error }) });
  }

  /** Ends those that have said their last words. */
  closeSilent(): void {
    for (const thread of this.#threadById.values())
      if (thread.lastWords !== null) this.#close(thread, { endReason: 'ok' });
  }

  /** Ends all with their query. */
  closeAll(endReason: RunClose['endReason']): void {
    this.closeSilent();
    for (const thread of this.#threadById.values()) this.#close(thread, { endReason });
  }

  /** The agent that a tool call started; a name made of the call when its own is not known. */
  #agentOf(callId: string): string {
    for (const [agentId, known] of this.#callIdById) if (known === callId) return agentId;
    return `call:${callId}`;
  }

  #close(thread: AgentThread, close: RunClose): void {
    if (this.#closed.has(thread)) return;
    this.#closed.add(thread);
    thread.close({ ...(thread.lastWords === null ? {} : { output: thread.lastWords }), ...close });
  }
}
