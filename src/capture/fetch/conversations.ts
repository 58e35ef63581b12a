import { hash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { StepStatus } from '../../core/model/step.ts';
import type { EndReason } from '../../core/model/run.ts';
import { ExactJson } from '../../core/record/recording.ts';
import type { Recorder, RunRecorder } from '../../core/record/recording.ts';
import type { ClientName } from './exchange-request.ts';

/** What tells one conversation from another. */
export interface ConversationCall {
  readonly host: string;
  readonly messages: readonly unknown[];
  /** The provider's id of the answer that this call goes on from. */
  readonly continues: string | null;
  readonly model: string | null;
  /** The client that sends it, where it is known. */
  readonly client: ClientName | null;
}

/**
 * Runs of calls that no run in scope claims: calls whose messages go on from an earlier call's share its run. Runs
 * stay open until they have been idle, or all are closed.
 */
export interface Conversations {
  runOf(call: ConversationCall): RunRecorder;
  began(run: RunRecorder): void;
  ended(run: RunRecorder, how: { status: StepStatus; responseId: string | null; text: string }): void;
  /** Closes the runs that have been idle. */
  sweep(): void;
  closeAll(): void;
  readonly size: number;
}

interface Conversation {
  readonly run: RunRecorder;
  readonly host: string;
  readonly keys: Set<string>;
  /** Calls under way. */
  open: number;
  lastMs: number;
  lastStatus: StepStatus;
  /** Beginning of the latest answer, as it stands in JSON: the next call of this conversation repeats it. */
  lastText: string;
}

const conversationsMax = 256;
/** Contexts by which one conversation is found again; forks of older ones begin a run of their own. */
const keysMax = 64;

function endReasonOf(status: StepStatus): EndReason {
  return status === 'error' ? 'error' : status === 'completed' ? 'ok' : 'interrupted';
}

const lastTextChars = 80;

const textOf = (message: unknown): string =>
  message instanceof ExactJson ? message.text : (JSON.stringify(message) ?? '');

/** One digest per prefix of the messages, shortest first. */
function prefixKeys(call: ConversationCall): readonly string[] {
  const keys: string[] = [];
  let key = hash('sha256', call.host);
  for (const message of call.messages) {
    key = hash('sha256', `${key}${textOf(message)}`);
    keys.push(key);
  }
  return keys;
}

/** No conversations yet. */
export function createConversations(of: {
  recorder: Recorder;
  clock: Clock;
  idleMs: number;
  agentId: string;
}): Conversations {
  const byKey = new Map<string, Set<Conversation>>();
  const byRun = new Map<RunRecorder, Conversation>();

  const forget = (conversation: Conversation, key: string): void => {
    const sharing = byKey.get(key);
    sharing?.delete(conversation);
    if (sharing?.size === 0) byKey.delete(key);
  };

  const close = (conversation: Conversation): void => {
    for (const key of conversation.keys) forget(conversation, key);
    byRun.delete(conversation.run);
    if (!conversation.run.closed) conversation.run.close({ endReason: endReasonOf(conversation.lastStatus) });
  };

  const note = (conversation: Conversation, key: string): void => {
    if (conversation.keys.size >= keysMax) {
      const oldest = conversation.keys.values().next().value!;
      conversation.keys.delete(oldest);
      forget(conversation, oldest);
    }
    conversation.keys.add(key);
    byKey.set(key, (byKey.get(key) ?? new Set()).add(conversation));
  };

  /** Several conversations may begin with the same words: the answer that the call repeats tells them apart. */
  const choose = (key: string, next: string): Conversation | null => {
    const open = [...(byKey.get(key) ?? [])].filter((conversation) => !conversation.run.closed);
    if (open.length < 2) return open[0] ?? null;
    const told = open.filter((conversation) => conversation.lastText !== '' && next.includes(conversation.lastText));
    return told.at(-1) ?? open.at(-1)!;
  };

  const find = (call: ConversationCall, keys: readonly string[]): Conversation | null => {
    const told = call.continues === null ? null : choose(`answer:${call.host}:${call.continues}`, '');
    if (told !== null) return told;
    // The call's own whole context is left out: the same words again are another conversation.
    for (let index = keys.length - 2; index >= 0; index -= 1) {
      const found = choose(keys[index]!, textOf(call.messages[index + 1]));
      if (found !== null) return found;
    }
    return null;
  };

  const begin = (call: ConversationCall): Conversation => {
    if (byRun.size >= conversationsMax) {
      const idle = [...byRun.values()].filter((conversation) => conversation.open === 0);
      const oldest = idle.reduce<Conversation | null>(
        (best, next) => (best === null || next.lastMs < best.lastMs ? next : best),
        null,
      );
      if (oldest !== null) close(oldest);
    }
    const run = of.recorder.startRun({
      agentId: call.client?.agentId ?? of.agentId,
      capture: call.client?.capture ?? 'http',
      parent: null,
      ...(call.model === null ? {} : { model: call.model }),
    });
    const conversation: Conversation = {
      run,
      host: call.host,
      keys: new Set(),
      open: 0,
      lastMs: of.clock.monotonicMs(),
      lastStatus: 'in_progress',
      lastText: '',
    };
    byRun.set(run, conversation);
    return conversation;
  };

  return {
    runOf(call) {
      const keys = prefixKeys(call);
      const conversation = find(call, keys) ?? begin(call);
      const whole = keys.at(-1);
      if (whole !== undefined) note(conversation, whole);
      return conversation.run;
    },
    began(run) {
      const conversation = byRun.get(run);
      if (conversation !== undefined) conversation.open += 1;
    },
    ended(run, { status, responseId, text }) {
      const conversation = byRun.get(run);
      if (conversation === undefined) return;
      conversation.open = Math.max(0, conversation.open - 1);
      conversation.lastMs = of.clock.monotonicMs();
      conversation.lastStatus = status;
      conversation.lastText = JSON.stringify(text.slice(0, lastTextChars)).slice(1, -1);
      if (responseId !== null) note(conversation, `answer:${conversation.host}:${responseId}`);
    },
    sweep() {
      const nowMs = of.clock.monotonicMs();
      for (const conversation of [...byRun.values()]) {
        const isIdle = conversation.open === 0 && nowMs - conversation.lastMs >= of.idleMs;
        if (isIdle || conversation.run.closed) close(conversation);
      }
    },
    closeAll() {
      for (const conversation of [...byRun.values()]) close(conversation);
    },
    get size() {
      return byRun.size;
    },
  };
}
