import type { Project } from '../../access/project.ts';
import { sha256 } from '../../digest.ts';

/** How far a run may act: its calls are only recorded, answered in place of its tools, or made. */
export const runModes = ['recorded', 'shadow', 'live'] as const;

/** One of the modes. */
export type RunMode = (typeof runModes)[number];

/** What decides how far a run may act. */
export interface RunModeRequest {
  readonly project: Pick<Project, 'id' | 'mode' | 'canaryPercent'>;
  /** The agent's own word: `true`, its runs are rehearsals whatever the project's mode. */
  readonly isAgentShadow: boolean;
  readonly run: {
    readonly rootRunId: string;
    readonly sessionId: string | null;
    /** Whoever created it asked for a rehearsal, or the run that started it is one. */
    readonly isShadow: boolean;
  };
}

const buckets = 10_000;

/**
 * Where a run stands among all of its project, from 0 to 9999: the same for all runs of a session, else of a tree, in every
 * process, and evenly spread.
 */
export function canaryBucket(projectId: string, run: Pick<RunModeRequest['run'], 'rootRunId' | 'sessionId'>): number {
  const key = run.sessionId === null ? ['run', run.rootRunId] : ['session', run.sessionId];
  return sha256(JSON.stringify(['canary', projectId, ...key])).readUInt32BE(0) % buckets;
}

/**
 * How far a run may act. Whoever asks for a rehearsal gets one; nobody can ask out of it. With a higher percentage, what
 * acted for real goes on doing so. A mode that is not known here is a rehearsal.
 */
export function toRunMode({ project, isAgentShadow, run }: RunModeRequest): RunMode {
  if (run.isShadow || isAgentShadow) return 'shadow';
  switch (project.mode) {
    case 'legacy':
      return 'recorded';
    case 'live':
      return 'live';
    case 'canary':
      return canaryBucket(project.id, run) < (project.canaryPercent ?? 0) * (buckets / 100) ? 'live' : 'shadow';
    default:
      return 'shadow';
  }
}
