import { systemClock } from '../../core/clock.ts';
import { createErrorReporter } from '../../core/error-report.ts';
import { TachographError } from '../../core/error.ts';
import { createIdSource } from '../../core/id.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { WorkSecrets } from '../../core/work/secrets.ts';
import { createWorkSecrets } from '../../core/work/secrets.ts';
import type { Scribe } from '../../core/work/scribe.ts';
import { createScribe } from '../../core/work/scribe.ts';
import { createJournal, readRecordingRules } from '../../journal/index.ts';
import type { LeasedRecorder } from '../../runtime/recording/leased-recorder.ts';
import { createLeasedRecorder } from '../../runtime/recording/leased-recorder.ts';
import type { RuntimeParts } from '../../runtime/parts.ts';
import { readEnvironment, readRevision } from '../environment.ts';
import type { OpenedHome } from '../open.ts';

/** What the runtime needs of an opened home. */
export interface HomeParts extends RuntimeParts {
  /** Closes the recorders that were made. */
  close(): Promise<void>;
}

/** The same value for a name each time, made when it is first asked for. */
function once<T>(make: (name: string) => T): { of(name: string): T; all(): readonly T[] } {
  const valueByName = new Map<string, T>();
  return {
    of(name) {
      let value = valueByName.get(name);
      if (value === undefined) valueByName.set(name, (value = make(name)));
      return value;
    },
    all: () => [...valueByName.values()],
  };
}

/**
 * The runtime's parts over a home: its store, keys and redactors, and for each project a recorder on a journal of this
 * process in the home. Trouble is told once a minute of each kind. `work-missing` for a store that keeps records only.
 */
export function createRuntimeParts(opened: OpenedHome, told: (error: unknown) => void): HomeParts {
  const { home, store, keyOf, redactorOf } = opened;
  if (store.work === null)
    throw new TachographError('work-missing', 'This store keeps records only: runs cannot be work in it.');
  const clock = systemClock;
  // What looks every second would tell of a database that is away every second.
  const onError = createErrorReporter(clock, told);
  const ids = createIdSource(clock);
  const secrets = once<WorkSecrets>((projectId) => createWorkSecrets(keyOf(`${projectId}.work`, 32)));
  const scribes = once<Scribe>((projectId) =>
    createScribe({ clock, ids, redactor: redactorOf(projectId), contentKey: keyOf(`${projectId}.content`, 32) }),
  );
  let environment: Readonly<Record<string, unknown>> | null = null;
  const recorders = once<LeasedRecorder>((projectId) => {
    const writerId = ids.hex(8);
    environment ??= { ...readEnvironment(readRevision()) };
    return createLeasedRecorder({
      ...readRecordingRules({ home, projectId, clock }),
      store,
      projectId,
      journal: createJournal({
        home,
        projectId,
        writerId,
        durability: 'process',
        limits: defaultLimits,
        clock,
        onError,
      }),
      ids,
      clock,
      writerId,
      redactor: redactorOf(projectId),
      contentKey: keyOf(`${projectId}.content`, 32),
      environment,
      onError,
    });
  });
  return {
    store,
    work: store.work,
    clock,
    ids,
    secretsOf: secrets.of,
    scribeOf: scribes.of,
    recorderOf: recorders.of,
    onError,
    async close() {
      for (const recorder of recorders.all()) await recorder.close();
    },
  };
}
