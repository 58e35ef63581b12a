/**
 * The Claude Agent SDK: its model calls are made by a process of its own, so what is recorded is what that process tells,
 * by hooks before a tool runs and by messages for the rest. Nothing of the SDK is imported.
 */
export { tachographHooks } from './hooks.ts';
export type { RecordingHooks } from './hooks.ts';
export type { ClaudeAgentOptions } from './query-record.ts';
export { recordQuery } from './record-query.ts';
export type { RecordQueryOptions } from './record-query.ts';
export type { Hook, HookMatcher, HookName, QueryFunction } from './vendor.ts';
