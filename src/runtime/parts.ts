import type { Clock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import type { Store } from '../core/store.ts';
import type { Scribe } from '../core/work/scribe.ts';
import type { WorkSecrets } from '../core/work/secrets.ts';
import type { WorkStore } from '../core/work/work.ts';
import type { LeasedRecorder } from './recording/leased-recorder.ts';

/** What the runtime is handed: it makes none of these itself. */
export interface RuntimeParts {
  readonly store: Store;
  readonly work: WorkStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly secretsOf: (projectId: string) => WorkSecrets;
  readonly scribeOf: (projectId: string) => Scribe;
  /** The recorder of this process for a project: the same one each time. */
  readonly recorderOf: (projectId: string) => LeasedRecorder;
  /** Told of trouble that no caller hears of. */
  readonly onError: (error: unknown) => void;
  /** 0 to below 1, for jitter; the system's when left out. */
  readonly random?: () => number;
}
