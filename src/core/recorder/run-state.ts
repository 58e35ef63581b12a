import type { Usage } from '../model/usage.ts';
import { addUsage, subtractUsage, unknownUsage } from '../model/usage.ts';
import type { Chain, Desk } from './desk.ts';
import type { PrefixMemory } from './prefix.ts';
import { createPrefixMemory } from './prefix.ts';
import type { StepRecorder } from '../record/recording.ts';
import type { Scope } from './scope.ts';

/** What the recorders of one run and its steps share. Lives in the recording process only. */
export interface RunState {
  readonly desk: Desk;
  readonly chain: Chain;
  readonly scope: Scope;
  readonly prefixes: PrefixMemory;
  readonly openStepById: Map<string, StepRecorder>;
  readonly observedAfter: boolean;
  usage: Usage;
  toolCalls: number;
  modelSteps: number;
}

/** The state of a run that begins. */
export function createRunState(parts: Pick<RunState, 'desk' | 'chain' | 'scope' | 'observedAfter'>): RunState {
  return {
    ...parts,
    prefixes: createPrefixMemory(),
    openStepById: new Map(),
    usage: unknownUsage,
    toolCalls: 0,
    modelSteps: 0,
  };
}

/** Counts a step's usage in the run, in place of what the step had reported before. */
export function countUsage(state: RunState, before: Usage | null, now: Usage): void {
  state.usage = addUsage(before === null ? state.usage : subtractUsage(state.usage, before), now);
}
