import type { JoinedRun } from '../../core/record/recording.ts';
import type { WorkSecrets } from '../../core/work/secrets.ts';
import type { LeaseRef, WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';
import type { HandledRun, JudgeTool } from './handler.ts';
import type { Lease } from './lease.ts';
import type { RunMemory } from './memory.ts';
import type { Waits } from './waits.ts';

/** What the methods of a context work with. */
export interface ContextParts {
  readonly parts: RuntimeParts;
  readonly run: HandledRun;
  readonly row: WorkRow;
  readonly ref: LeaseRef;
  readonly lease: Lease;
  readonly memory: RunMemory;
  readonly waits: Waits;
  readonly joined: JoinedRun;
  readonly secrets: WorkSecrets;
  /** The run whose name makes the keys of its calls: of one driven again, the first of them. */
  readonly keyRunId: string;
  readonly judge: JudgeTool;
}
