import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { ParentRef, Recorder, RunClose, RunStart, StepRecorder } from '../../core/record/recording.ts';
import { resultToClose, toInit, toResult } from './outcome.ts';
import { Subagents } from './subagents.ts';
import type { ThreadSurroundings } from './thread.ts';
import { AgentThread } from './thread.ts';
import { ToolBook } from './tool-book.ts';
import type { Rest } from './totals.ts';
import { Totals } from './totals.ts';
import type { Fields } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** What may be set of the recording of queries. */
export interface ClaudeAgentOptions extends Pick<
  RunStart,
  'callerId' | 'channelId' | 'dryRun' | 'endUserId' | 'kind' | 'labels' | 'name'
> {
  /** Agent of the runs. Default the query's own `options.agent`, else `claude-agent`. */
  readonly agentId?: string;
  /** Who serves the model, as the price table knows it. Default `anthropic`. */
  readonly provider?: string;
  /** Where failures of the recording itself are told; they never reach the program (I1). */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** What is known of a query before it runs. */
export interface QueryStart {
  readonly recorder: Recorder;
  readonly options: ClaudeAgentOptions;
  readonly agentId: string;
  /** The prompt when it is one text. */
  readonly prompt: string | null;
  readonly systemPrompt: string | null;
  /** The run around the query; `null` for none. */
  readonly parent: ParentRef | null;
  /** The query goes on from a session that has spent before. */
  readonly isResumed: boolean;
  /** Messages are seen too. Without, hooks alone tell when agents end. */
  readonly hasStream: boolean;
}

/** How long a hook waits for the message that says where its moment belongs; both are on their way at once. */
const placeWaitMs = 50;

const shortWait = (): Promise<void> => new Promise((done) => setTimeout(done, 1));

/**
 * The record of one query: a run for its main agent, one for each subagent under the tool call that started it. Hooks
 * begin what is begun before it happens (I3); messages, which come when the program asks for them, tell the rest.
 */
export class QueryRecord {
  /** True while the program waits for the next message; without a stream it never does. */
  isAwaited: () => boolean = () => false;
  readonly #of: QueryStart;
  readonly #surroundings: ThreadSurroundings;
  readonly #subagents: Subagents;
  #main: AgentThread | null = null;
  /** Whose the query is; its subagents' runs say so too. */
  #people: Partial<RunStart> = {};
  #compaction: StepRecorder | null = null;
  #outcome: RunClose | null = null;
  #isPromptHeard = false;
  #isEnded = false;

  constructor(of: QueryStart) {
    this.#of = of;
    const { provider = 'anthropic', clock = systemClock } = of.options;
    this.#surroundings = { provider, clock, totals: new Totals(of.isResumed), tools: new ToolBook() };
    this.#subagents = new Subagents({
      ...this.#surroundings,
      startRun: (start) => of.recorder.startRun({ capture: 'claude-agent', ...this.#people, ...start }),
      main: () => this.#open(null).run,
      placed: (isKnown) => this.#placed(isKnown),
    });
  }

  /** One hook's moment. What must be begun before it happens is in the journal when this settles. */
  async hook(input: Fields): Promise<void> {
    if (this.#isEnded) return undefined;
    const { tools } = this.#surroundings;
    const callId = toText(input['tool_use_id']);
    const agentId = toText(input['agent_id']);
    const moment = input['hook_event_name'];
    const main = this.#open(toText(input['session_id']), moment === 'UserPromptSubmit' ? input['prompt'] : undefined);
    switch (moment) {
      case 'UserPromptSubmit':
        return this.#prompt(main, toText(input['prompt']) ?? '');
      case 'PreToolUse':
        return callId === null ? undefined : await this.#beginTool(input, callId, agentId);
      case 'PostToolUse':
        return tools.succeed(input);
      case 'PostToolUseFailure':
        return tools.fail(input);
      case 'PermissionDenied':
        return tools.block(callId, toText(input['reason']) ?? 'denied', 'classifier');
      case 'SubagentStart':
        return agentId === null ? undefined : await this.#subagents.start(agentId, toText(input['agent_type']));
      case 'SubagentStop':
        return this.#subagents.stop(agentId, toText(input['last_assistant_message']), !this.#of.hasStream);
      case 'PreCompact':
        return this.#compact({ trigger: input['trigger'], instructions: input['custom_instructions'] ?? null }, false);
      case 'PostCompact':
        return this.#compacted({ summary: input['compact_summary'] });
      case 'Stop':
        main.lastWords = toText(input['last_assistant_message']);
    }
  }

  /** One message of the query's stream. */
  message(message: Fields): void {
    if (this.#isEnded) return undefined;
    const main = this.#open(toText(message['session_id']));
    const thread = (): AgentThread => this.#subagents.threadOf(message) ?? main;
    switch (message['type']) {
      case 'system':
        return this.#system(main, message);
      case 'stream_event':
        return thread().event(toFields(message['event']) ?? {});
      case 'assistant':
        return thread().answer(message);
      case 'user':
        // What is played back was said before, or is a notice to the person.
        return message['isReplay'] === true ? undefined : thread().user(message);
      case 'result':
        return this.#result(main, message);
    }
  }

  /** The query is over. A result that came decides how; otherwise `close` does. */
  end(close: RunClose): void {
    if (this.#isEnded) return;
    const main = this.#open(null);
    const outcome = this.#outcome ?? { ...(main.lastWords === null ? {} : { output: main.lastWords }), ...close };
    this.#isEnded = true;
    this.#subagents.closeAll(outcome.endReason);
    main.endCall(outcome.endReason === 'ok' ? 'completed' : 'interrupted');
    this.#rest(main, this.#surroundings.totals.leave());
    main.close(outcome);
  }

  /** The run of the main agent, begun with the first word of the SDK, which knows the session. */
  #open(sessionId: string | null, firstPrompt?: unknown): AgentThread {
    if (this.#main !== null) return this.#main;
    const { recorder, options, agentId, prompt, systemPrompt, parent } = this.#of;
    const { provider: _provider, onError: _onError, clock: _clock, kind, name, labels, ...people } = options;
    const inputs = prompt ?? firstPrompt;
    this.#people = { ...people, ...(sessionId === null ? {} : { sessionId }) };
    const start = { capture: 'claude-agent', ...this.#people, kind, name, labels, agentId, parent };
    const run = recorder.startRun({ ...start, ...(inputs === undefined ? {} : { inputs }) });
    this.#main = new AgentThread(this.#surroundings, run, run.id);
    if (systemPrompt !== null) this.#main.hear({ role: 'system', content: systemPrompt });
    if (prompt !== null) this.#main.hear({ role: 'user', content: prompt });
    return this.#main;
  }

  #prompt(main: AgentThread, prompt: string): void {
    const isKnown = !this.#isPromptHeard && this.#of.prompt !== null;
    this.#isPromptHeard = true;
    if (!isKnown) main.hear({ role: 'user', content: prompt });
  }

  /** Waits a moment for the messages to say it; not while the program reads none. */
  async #placed(isKnown: () => boolean): Promise<void> {
    const { clock } = this.#surroundings;
    const sinceMs = clock.monotonicMs();
    while (this.isAwaited() && !isKnown() && clock.monotonicMs() < sinceMs + placeWaitMs) await shortWait();
  }

  async #beginTool(input: Fields, callId: string, agentId: string | null): Promise<void> {
    const type = toText(input['agent_type']);
    const thread = agentId === null ? this.#open(null) : this.#subagents.thread(agentId, type);
    await this.#placed(() => thread.stepOf(callId) !== undefined);
    const parentStepId = thread.stepOf(callId);
    this.#surroundings.tools.begin(thread.run, {
      name: toText(input['tool_name']) ?? 'unknown',
      args: input['tool_input'],
      callId,
      ...(parentStepId === undefined ? {} : { parentStepId }),
    });
  }

  #compact(request: Fields, observedAfter: boolean): void {
    const { run } = this.#open(null);
    this.#compaction ??= run.step({ kind: 'phase', name: 'compaction', request, observedAfter });
  }

  #compacted(result: unknown, error?: unknown): void {
    const end =
      error === undefined ? ({ status: 'completed', result } as const) : ({ status: 'error', error } as const);
    this.#compaction?.finish(end);
    this.#compaction = null;
  }

  #system(main: AgentThread, message: Fields): void {
    const agentId = toText(message['task_id']);
    const callId = toText(message['tool_use_id']);
    switch (message['subtype']) {
      case 'init':
        main.model = toText(message['model']);
        return main.run.log('claude-agent.init', toInit(message));
      case 'status':
        return this.#status(main, message);
      case 'api_retry':
        return main.retry(message);
      case 'compact_boundary':
        this.#compact({}, true);
        this.#compacted(message['compact_metadata'] ?? {});
        return main.compact();
      case 'task_started':
        return agentId === null || callId === null ? undefined : this.#subagents.link(agentId, callId);
      case 'task_updated':
        return this.#subagents.task(agentId, toFields(message['patch']) ?? {});
      case 'task_notification':
        return this.#subagents.task(agentId, message);
      case 'permission_denied':
        return this.#surroundings.tools.block(callId, toText(message['message']) ?? 'denied', 'rule');
    }
  }

  #status(main: AgentThread, message: Fields): void {
    if (message['status'] === 'requesting') return main.expect();
    if (message['status'] === 'compacting') return this.#compact({}, true);
    if (message['compact_result'] !== 'failed') return undefined;
    return this.#compacted(null, new Error(toText(message['compact_error']) ?? 'the compaction failed'));
  }

  #result(main: AgentThread, message: Fields): void {
    const close = resultToClose(message);
    this.#outcome = close;
    main.endCall(close.endReason === 'ok' ? 'completed' : 'interrupted');
    this.#subagents.closeSilent();
    this.#rest(main, this.#surroundings.totals.settle(message['modelUsage']));
    main.run.log('claude-agent.result', toResult(message));
  }

  /** Tokens that the SDK tells only in sum, as one step for each model. */
  #rest(main: AgentThread, rests: readonly Rest[]): void {
    const start = {
      kind: 'model',
      operation: 'generate',
      name: 'calls told only in sum',
      observedAfter: true,
    } as const;
    for (const { model, usage, told } of rests) {
      const step = main.run.step({ ...start, provider: this.#surroundings.provider, model });
      step.finish({ status: 'completed', usage, durationMs: null, ...(told === null ? {} : { metadata: { told } }) });
    }
  }
}
