/** A switch that somebody has set, or `null` when nobody has. */
export type Switch = 'on' | 'off' | null;

/** What deployment, project and caller say about recording. */
export interface SwitchState {
  readonly deployment: Switch;
  readonly project: Switch;
  readonly caller: Switch;
  /** Only callers who opted in are recorded. */
  readonly requireOptIn: boolean;
  /** The caller's own word. It is kept apart from all switches, so that it outlives a project's off and on. */
  readonly optedIn: boolean;
}

/** Everything on, nobody asked. */
export const openSwitches: SwitchState = {
  deployment: null,
  project: null,
  caller: null,
  requireOptIn: false,
  optedIn: false,
};

/**
 * Whether a run that begins is recorded. Deployment beats project, project beats caller; without a word it is on. Where
 * opt-in is required, nothing is on without it. A governed run (under a lease, a budget or a gateway) is always recorded.
 */
export function isRecorded(state: SwitchState, isGoverned: boolean): boolean {
  if (isGoverned) return true;
  if (state.requireOptIn && !state.optedIn) return false;
  return (state.deployment ?? state.project ?? state.caller ?? 'on') === 'on';
}

/** Reads the switches for a caller of this recorder's project; `null` without a caller. May throw: then they are unreadable. */
export type ReadSwitches = (callerId: string | null) => SwitchState;
