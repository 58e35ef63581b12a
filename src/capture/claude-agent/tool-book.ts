import type { RunRecorder, ToolRecorder, ToolStart } from '../../core/record/recording.ts';
import type { Fields } from './vendor.ts';
import { toCount, toFields, toFieldsList, toText } from './vendor.ts';

interface Entry {
  readonly tool: ToolRecorder;
  readonly name: string;
  readonly args: unknown;
}

/** A tool call that may have started a subagent. */
export interface Spawner {
  readonly tool: ToolRecorder;
  readonly args: Fields;
}

const spawners: ReadonlySet<string> = new Set(['Agent', 'Task']);

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** What a tool result says of its call's permission; the SDK puts it beside the message. */
function refusalOf(message: Fields, callId: string): string | null {
  const meta = toFieldsList(message['tool_result_meta']).find((entry) => entry['id'] === callId);
  const decision = toFields(meta?.['permission_decision']);
  const isRefused = decision?.['decision'] === 'reject' || meta?.['non_execution_kind'] !== undefined;
  return isRefused ? (toText(decision?.['source']) ?? toText(meta?.['non_execution_kind']) ?? 'refused') : null;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return toFieldsList(content)
    .map((block) => toText(block['text']) ?? '')
    .join('\n');
}

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

/**
 * Tool calls of one query by their ids, over all of its agents. Hooks begin and end them; a result whose call no hook told
 * of is recorded from the messages, and says that it was learned of afterwards.
 */
export class ToolBook {
  readonly #openById = new Map<string, Entry>();
  readonly #seen = new Set<string>();
  readonly #spawnerById = new Map<string, Spawner>();

  /** True when a step for this call was begun. */
  has(callId: string): boolean {
    return this.#seen.has(callId);
  }

  begin(run: RunRecorder, start: ToolStart & { readonly callId: string }): void {
    const { callId, name, args } = start;
    if (this.#seen.has(callId)) return;
    this.#seen.add(callId);
    const tool = run.tool(start);
    this.#openById.set(callId, { tool, name, args });
    if (spawners.has(name)) this.#spawnerById.set(callId, { tool, args: toFields(args) ?? {} });
  }

  /** The tool call that started a subagent, open or not. */
  spawner(callId: string): Spawner | null {
    return this.#spawnerById.get(callId) ?? null;
  }

  /** Ids of the calls that could have started an agent of this type and are not in `taken`. */
  candidates(type: string | null, taken: ReadonlySet<string>): readonly string[] {
    return [...this.#spawnerById]
      .filter(([callId, { args }]) => {
        const asked = toText(args['subagent_type']);
        return this.#openById.has(callId) && !taken.has(callId) && (asked === null || asked === type);
      })
      .map(([callId]) => callId);
  }

  /** The hook after a tool that ran. */
  succeed(input: Fields): void {
    this.#end(input, (entry) => {
      const durationMs = toCount(input['duration_ms']);
      entry.tool.finish({
        status: 'completed',
        result: input['tool_response'],
        resultStatus: 'success',
        ...(durationMs === null ? {} : { durationMs }),
        // A hook or a person may have changed what the model asked for.
        ...(isSame(entry.args, input['tool_input']) ? {} : { metadata: { ranWith: input['tool_input'] } }),
      });
    });
  }

  /** The hook after a tool that failed or was interrupted. */
  fail(input: Fields): void {
    this.#end(input, ({ tool }) => {
      const durationMs = toCount(input['duration_ms']);
      tool.finish({
        status: input['is_interrupt'] === true ? 'interrupted' : 'error',
        error: named('ToolError', toText(input['error']) ?? 'the tool failed'),
        resultStatus: 'error',
        ...(durationMs === null ? {} : { durationMs }),
      });
    });
  }

  /** A call that was not let through. */
  block(callId: string | null, reason: string, source: string): void {
    this.#end({ tool_use_id: callId }, ({ tool }) =>
      tool.finish({
        status: 'error',
        error: named('PermissionDenied', reason),
        resultStatus: 'blocked',
        metadata: { deniedBy: source },
      }),
    );
  }

  /** A result in a message of the stream: ends what no hook has ended. */
  result(message: Fields, block: Fields): void {
    const callId = toText(block['tool_use_id']);
    if (callId === null || !this.#openById.has(callId)) return;
    const words = textOf(block['content']);
    const refusal = refusalOf(message, callId);
    if (block['is_error'] !== true)
      return this.#end(block, ({ tool }) => tool.succeed(message['tool_use_result'] ?? block['content']));
    if (refusal !== null) return this.block(callId, words, refusal);
    return this.#end(block, ({ tool }) => tool.fail(named('ToolError', words)));
  }

  #end(input: Fields, finish: (entry: Entry) => void): void {
    const callId = toText(input['tool_use_id']);
    const entry = callId === null ? undefined : this.#openById.get(callId);
    if (callId === null || entry === undefined) return;
    this.#openById.delete(callId);
    finish(entry);
  }
}
