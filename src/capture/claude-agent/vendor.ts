import type { Fields } from '../fetch/formats/fields.ts';

export { toCount, toFields, toFieldsList, toText } from '../fetch/formats/fields.ts';
export type { Fields };

/** Moments of the Claude Agent SDK that are listened to. */
export const hookNames = [
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'PermissionDenied',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'PostCompact',
  'Stop',
  'StopFailure',
  'SessionEnd',
] as const;

/**
 * Moments that a stream of messages tells as well. With hooks on them the SDK puts a line about the hooks into what it says
 * to the user, so where messages are seen they are left alone.
 */
export const toldByStream: readonly HookName[] = ['PreCompact', 'PostCompact'];

/** One of the moments. */
export type HookName = (typeof hookNames)[number];

/** What a recording hook answers: nothing, which decides nothing. */
export type NoDecision = Record<string, never>;

/** A hook in the SDK's own words and without its types. */
export type Hook = (
  input: object,
  toolUseId: string | undefined,
  options: { signal: AbortSignal },
) => Promise<NoDecision>;

/** Hooks for one moment. */
export interface HookMatcher {
  hooks: Hook[];
}

/** Hooks by moment, as `options.hooks` takes them. */
export type Hooks = { [name in HookName]?: HookMatcher[] };

/** Hooks of the user's own, of any moment; they are handed on as they are. */
export type OwnHooks = { readonly [name in string]?: readonly object[] };

/** The `query` function of the package `@anthropic-ai/claude-agent-sdk`, without its types. */
export type QueryFunction = (params: never) => AsyncGenerator<unknown, void>;

/** What `query` is called with, as far as it is read or set here. */
export interface QueryParams {
  readonly prompt: unknown;
  readonly options?: Fields & { readonly hooks?: OwnHooks };
}
