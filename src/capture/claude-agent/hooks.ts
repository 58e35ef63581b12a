import { toHarmlessListener } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { ClaudeAgentOptions } from './query-record.ts';
import { QueryRecord } from './query-record.ts';
import type { Fields, Hook, HookMatcher, HookName, Hooks, NoDecision, OwnHooks } from './vendor.ts';
import { hookNames, toFields, toText } from './vendor.ts';

const noDecision: NoDecision = {};

/** Where hooks tell of their moments, and of what went wrong in telling. */
export interface Listener {
  hear(input: Fields): Promise<void>;
  onError(error: unknown): void;
}

/** Hooks for these moments that tell a listener and decide nothing, whatever it does. */
export function listeningHooks(names: readonly HookName[], { hear, onError }: Listener): Hooks {
  const hook: Hook = async (input) => {
    try {
      await hear(toFields(input) ?? {});
    } catch (error) {
      onError(error);
    }
    return noDecision;
  };
  return Object.fromEntries(names.map((name) => [name, [{ hooks: [hook] }]])) as Hooks;
}

/** Hooks beside the user's own, which stay as they are. */
export function besideOwn(hooks: Hooks, own: OwnHooks): Hooks & OwnHooks {
  const merged: Record<string, readonly object[] | undefined> = { ...own };
  for (const [name, matchers] of Object.entries(hooks)) merged[name] = [...matchers, ...(own[name] ?? [])];
  return merged as Hooks & OwnHooks;
}

/** Ends a turn that no stream ends: how, or `null` for a moment that ends nothing. */
function toEnd(input: Fields): Parameters<QueryRecord['end']>[0] | null {
  switch (input['hook_event_name']) {
    case 'Stop':
      return { endReason: 'ok' };
    case 'StopFailure': {
      const kind = toText(input['error']) ?? 'unknown';
      const words = toText(input['error_details']) ?? toText(input['last_assistant_message']) ?? kind;
      return { endReason: 'error', error: Object.assign(new Error(words), { name: kind }) };
    }
    case 'SessionEnd':
      return { endReason: 'interrupted' };
    default:
      return null;
  }
}

/** Hooks, as `options.hooks` takes them: every moment that is recorded. */
export type RecordingHooks = { [name in HookName]: HookMatcher[] };

/**
 * Hooks to merge into `options.hooks` where the query itself is not called by you, as in a warmed process. They record a run
 * for each turn, tool calls before they run, subagents as runs of their own, and compaction; what models answered, tokens
 * and cost only messages tell, and `recordQuery` reads them. One set may serve any number of queries. A hook never throws
 * into the SDK and never decides anything.
 */
export function tachographHooks(recorder: Recorder, options: ClaudeAgentOptions = {}): RecordingHooks {
  const onError = toHarmlessListener(options.onError);
  const recordBySession = new Map<string, QueryRecord>();
  const hear = async (input: Fields): Promise<void> => {
    if (!recorder.recording) return;
    const sessionId = toText(input['session_id']) ?? '';
    const end = toEnd(input);
    let record = recordBySession.get(sessionId);
    if (record === undefined) {
      if (end !== null) return;
      record = new QueryRecord({
        recorder,
        options,
        agentId: options.agentId ?? toText(input['agent_type']) ?? 'claude-agent',
        prompt: toText(input['prompt']),
        systemPrompt: null,
        parent: null,
        isResumed: false,
        hasStream: false,
      });
      recordBySession.set(sessionId, record);
    }
    await record.hook(input);
    if (end === null) return;
    recordBySession.delete(sessionId);
    record.end(end);
  };
  return listeningHooks(hookNames, { hear, onError }) as RecordingHooks;
}
