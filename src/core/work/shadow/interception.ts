import { TachographError } from '../../error.ts';
import type { BlockReason, ToolResultStatus } from '../../model/step.ts';
import type { StepFinish } from '../../record/recording.ts';
import type { RegisteredTool, ToolClass } from '../agent.ts';
import type { RecordedResults } from './recorded-results.ts';
import type { RunMode } from './run-mode.ts';
import type { ClassSource, ToolHints } from './tool-class.ts';
import { classifyTool } from './tool-class.ts';

/*
 *   recorded   every call runs; nothing is decided
 *   live       a call runs unless its tool may not be called in this environment
 *   shadow     the same, and of the rest only what is known to read runs; every other call is answered without its tool
 */

/** A call that an agent is about to make. */
export interface IntendedCall {
  readonly name: string;
  readonly args: unknown;
  readonly hints: ToolHints | null;
  /** Whoever gives the hints is trusted. */
  readonly isTrusted: boolean;
  /** It would send words to a person or a system outside: never in shadow, whatever its class. */
  readonly isMessage?: boolean;
}

/** What an intended call is judged by. */
export interface CallSurroundings {
  readonly mode: RunMode;
  /** The tool as its agent registers it; `null` when it does not. */
  readonly tool: RegisteredTool | null;
  /** What the worker calls its environment, such as `staging`; `null`: nobody said. */
  readonly environment: string | null;
  readonly recorded: RecordedResults;
}

/** Where the answer comes from that stands in for a result. */
export const answerSources = ['registration', 'recording', 'stub'] as const;

/** One of them. */
export type AnswerSource = (typeof answerSources)[number];

interface Judged {
  readonly class: ToolClass;
  readonly classSource: ClassSource;
}

/** What happens to a call. */
export type CallVerdict =
  | (Judged & { readonly action: 'run' })
  | (Judged & {
      readonly action: 'answer';
      readonly result: unknown;
      readonly answerSource: AnswerSource;
      readonly resultStatus: Extract<ToolResultStatus, 'skipped'>;
      readonly blockReason: BlockReason;
    })
  | (Judged & {
      readonly action: 'block';
      /** What the agent is told. */
      readonly message: string;
      readonly resultStatus: Extract<ToolResultStatus, 'blocked'>;
      readonly blockReason: BlockReason;
    });

/** What stands in for a result that nobody registered or recorded, so marked that no one takes it for a real one. */
export function toStub(name: string): Readonly<Record<string, unknown>> {
  return { tachograph: 'shadow stub', tool: name, note: 'This run is a rehearsal: the call was not made.' };
}

function toAnswer(
  { name, args }: IntendedCall,
  { tool, recorded }: CallSurroundings,
): { result: unknown; answerSource: AnswerSource } {
  const registered = tool?.synthetic ?? null;
  if (registered !== null) return { result: parseSynthetic(registered), answerSource: 'registration' };
  const found = recorded.find(name, args);
  if (found !== null) return { result: found.result, answerSource: 'recording' };
  return { result: toStub(name), answerSource: 'stub' };
}

function parseSynthetic(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Whoever registered it meant these words.
    return text;
  }
}

/** True when a tool may be called here. One that is bound to environments may not where nobody said which one this is. */
export function isEnvironmentAllowed(tool: RegisteredTool | null, environment: string | null): boolean {
  if (tool === null || tool.environments.length === 0) return true;
  return environment !== null && tool.environments.includes(environment);
}

/**
 * What happens to a call. In shadow nothing runs that is not known to only read, and no message leaves; a call that did not
 * run says so by its `resultStatus`, which is never `success`.
 */
export function interceptCall(call: IntendedCall, surroundings: CallSurroundings): CallVerdict {
  const { mode, tool, environment } = surroundings;
  const { name, hints, isTrusted, isMessage = false } = call;
  const verdict = classifyTool({
    name,
    registered: isMessage ? 'destructive' : (tool?.class ?? null),
    hints,
    isTrusted,
  });
  const judged: Judged = { class: verdict.class, classSource: verdict.source };
  if (mode === 'recorded') return { ...judged, action: 'run' };
  if (!isEnvironmentAllowed(tool, environment)) {
    const place = environment === null ? 'an environment without a name' : `the environment ${environment}`;
    return {
      ...judged,
      action: 'block',
      message: `The tool ${name.slice(0, 200)} may not be called in ${place}.`,
      resultStatus: 'blocked',
      blockReason: 'environment_not_allowed',
    };
  }
  if (mode === 'live' || (verdict.class === 'read' && !isMessage)) return { ...judged, action: 'run' };
  return {
    ...judged,
    ...toAnswer(call, surroundings),
    action: 'answer',
    resultStatus: 'skipped',
    blockReason: isMessage ? 'shadow_mode_message_suppressed' : 'shadow_mode_destructive_blocked',
  };
}

/** What the record keeps of how a call was judged, beside its end: under `guard` in the step's metadata. */
export interface RecordedVerdict {
  readonly class: ToolClass;
  readonly classSource: ClassSource;
  /** `null`: nothing stood in for a result. */
  readonly answerSource: AnswerSource | null;
}

/** The verdict as the record keeps it. */
export function verdictToMetadata(verdict: CallVerdict): { readonly guard: RecordedVerdict } {
  const { class: toolClass, classSource } = verdict;
  const answerSource = verdict.action === 'answer' ? verdict.answerSource : null;
  return { guard: { class: toolClass, classSource, answerSource } };
}

/** How the step of a call ends that did not run. */
export function verdictToFinish(verdict: Exclude<CallVerdict, { action: 'run' }>): StepFinish {
  const { resultStatus, blockReason } = verdict;
  return {
    status: 'completed',
    resultStatus,
    wasBlocked: true,
    blockReason,
    metadata: { ...verdictToMetadata(verdict) },
    ...(verdict.action === 'answer' ? { result: verdict.result } : { error: verdictToError(verdict) }),
  };
}

/** What the agent gets in place of a result when a call was blocked: `tool-blocked`. */
export function verdictToError(verdict: Extract<CallVerdict, { action: 'block' }>): TachographError {
  return new TachographError('tool-blocked', verdict.message);
}
