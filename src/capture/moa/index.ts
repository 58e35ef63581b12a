/**
 * Mixture of agents: several models advise, one acts. A mixture is a language model of the AI SDK, and each of its turns is
 * recorded as a run of its own.
 */
export type { Cadence } from './advice/cadence.ts';
export { parseCadence } from './advice/cadence.ts';
export type { Advice, DegradedPolicy, Guidance } from './advice/guidance.ts';
export { addGuidance, guidanceToText, removeGuidance } from './advice/guidance.ts';
export type { FindModel, ReferenceOptions } from './members.ts';
export { mixtureOfAgents } from './mixture.ts';
export type { MixtureOptions } from './options.ts';
export type { Preset, PresetModel, PresetReference, ReasoningEffort } from './preset/preset.ts';
export { defaultPreset } from './preset/preset.ts';
export type { Note } from './preset/reading.ts';
export { readPreset } from './preset/reading.ts';
export type { Shelf, TraceSettings } from './preset/shelf.ts';
export { parseShelf, presetOf, shelfToText, withoutPreset, withPreset } from './preset/shelf.ts';
export { readShelf, shelfFile, writeShelf } from './preset/shelf-file.ts';
export { checkPreset } from './preset/writing.ts';
export type { PrivacyMode } from './privacy.ts';
export type { AdviceSource, OnProgress, Progress } from './progress.ts';
export type { Schedule } from './schedule.ts';
export { sessionToFileName } from './trace/file-name.ts';
export type { Message, Part } from './vendor.ts';
