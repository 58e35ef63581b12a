import type { Usage } from '../../../core/model/usage.ts';
import { toCost, toFinishReason } from './counts.ts';
import type { Fields } from './fields.ts';
import type { Answer, StreamFold } from './format.ts';
import type { PartList } from './part-list.ts';
import { createPartList } from './part-list.ts';

/** What a fold has gathered of an answer so far. */
export interface Gathered {
  readonly parts: PartList;
  model: string | null;
  responseId: string | null;
  /** The provider's own word for why the answer ended; `null` as long as it has not. */
  endWord: string | null;
  usageRaw: Fields | null;
  /** The first error inside the answer. */
  error: Error | null;
}

/** How a format words its answers. */
export interface AnswerRules {
  usageOf(raw: Fields): Usage;
  /** The format ends an answer that asks for tools with the same word as one that does not. */
  readonly isToolStopBare?: boolean;
  /** Parts that stand behind all others. */
  lastParts?(): readonly unknown[];
}

/** Nothing gathered yet. */
export function createGathered(): Gathered {
  return { parts: createPartList(), model: null, responseId: null, endWord: null, usageRaw: null, error: null };
}

/** What the gathered amounts to. */
export function toAnswer(gathered: Gathered, rules: AnswerRules): Answer {
  const { parts, model, responseId, endWord, usageRaw, error } = gathered;
  const hasCalls = rules.isToolStopBare === true && parts.callerTools > 0;
  return {
    parts: [...parts.list(), ...(rules.lastParts?.() ?? [])],
    model,
    responseId,
    usage: usageRaw === null ? null : rules.usageOf(usageRaw),
    usageRaw: usageRaw ?? undefined,
    cost: toCost(usageRaw),
    finishReason: endWord === null ? null : toFinishReason(endWord, hasCalls),
    isFinished: endWord !== null,
    error,
    textDeltas: parts.textDeltas,
  };
}

/** A fold whose `push` does nothing but gather. */
export function toFold(gathered: Gathered, rules: AnswerRules, push: StreamFold['push']): StreamFold {
  return {
    push,
    get hasOutput() {
      return gathered.parts.length > 0;
    },
    get isFinished() {
      return gathered.endWord !== null;
    },
    answer: () => toAnswer(gathered, rules),
  };
}
