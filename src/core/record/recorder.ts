import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { createContentNamer } from '../content/content.ts';
import { createInterner } from '../content/interner.ts';
import { TachographError } from '../error.ts';
import type { IdSource } from '../id.ts';
import { createIdSource, isUuid } from '../id.ts';
import type { Journal } from '../journal.ts';
import type { Limits } from '../limits.ts';
import { defaultLimits } from '../limits.ts';
import { createRedactor } from '../redact/create.ts';
import type { Redactor } from '../redact/redactor.ts';
import { createDesk } from '../recorder/desk.ts';
import { errorToEndReason } from './failure.ts';
import { nullRecorder } from '../recorder/null-recorder.ts';
import { isSecretBearing } from '../recorder/observer.ts';
import type { Recorder, RunRecorder, RunStart } from './recording.ts';
import { beginRun } from '../recorder/run-recorder.ts';
import { createScope } from '../recorder/scope.ts';

/** How a recorder is made. Only the journal is needed; `null` records nothing. */
export interface RecorderOptions {
  readonly journal: Journal | null;
  /** 32 bytes, the project's: equal contents of one project get one name, equal secrets one placeholder. */
  readonly contentKey?: Uint8Array;
  readonly redactor?: Redactor;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** 16 hex digits, this recorder's alone. */
  readonly writerId?: string;
  /** Recorded on every run: commit, argv, versions. */
  readonly environment?: Readonly<Record<string, unknown>>;
  /** What every run carries unless its start says otherwise. */
  readonly defaults?: Pick<RunStart, 'callerId' | 'channelId' | 'sessionId' | 'endUserId' | 'labels'>;
  /** Tools whose arguments and results the observer form withholds. */
  readonly isSecretBearing?: (toolName: string) => boolean;
  /** Told of trouble, at most once a minute for each kind. */
  readonly onError?: (error: unknown) => void;
}

const quietMs = 60_000;
const kindsMax = 64;

/** Passes on one error of a kind per minute. Whatever the listener throws is dropped: there is nobody left to tell. */
function createErrorGate(clock: Clock, onError: ((error: unknown) => void) | undefined): (error: unknown) => void {
  const lastByKind = new Map<string, number>();
  return (error) => {
    if (onError === undefined) return;
    const fields = error as { code?: unknown; name?: unknown } | null;
    const kind = String(fields?.code ?? fields?.name ?? typeof error);
    const now = clock.monotonicMs();
    const last = lastByKind.get(kind);
    if (last !== undefined && now - last < quietMs) return;
    if (lastByKind.size >= kindsMax) lastByKind.clear();
    lastByKind.set(kind, now);
    try {
      onError(error);
    } catch {
      lastByKind.set(kind, now);
    }
  };
}

function checkKey(key: Uint8Array): Uint8Array {
  if (key.length === 32) return key;
  throw new TachographError(
    'bad-argument',
    `contentKey has ${key.length} bytes; give 32 random bytes, the same for every recorder of the project.`,
  );
}

/** What a caller got wrong is reported and repaired rather than thrown: a recording call never harms its host (I1). */
function repairStart(start: RunStart, report: (error: unknown) => void): RunStart {
  let repaired = start;
  if (typeof start.agentId !== 'string' || start.agentId === '') {
    report(
      new TachographError(
        'bad-argument',
        'A run was started without an agentId and is recorded as "unnamed": pass { agentId }.',
      ),
    );
    repaired = { ...repaired, agentId: 'unnamed' };
  }
  if (start.runId !== undefined && !isUuid(start.runId)) {
    report(
      new TachographError(
        'bad-argument',
        `runId ${JSON.stringify(start.runId)} is no lower-case UUIDv7; the run got an id of its own.`,
      ),
    );
    const { runId: _dropped, ...rest } = repaired;
    repaired = rest;
  }
  return repaired;
}

/** A recorder over a journal. Two recorders never share a writer id; a forked process makes its own. */
export function createRecorder(options: RecorderOptions): Recorder {
  if (options.journal === null) return nullRecorder;
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIdSource(clock);
  const key = checkKey(options.contentKey ?? randomBytes(32));
  const redactor = options.redactor ?? createRedactor({ key });
  const limits = { ...defaultLimits, ...options.limits };
  const interner = createInterner({ namer: createContentNamer(key), redactor, knownMax: limits.knownContentsMax });
  const report = createErrorGate(clock, options.onError);
  const desk = createDesk({
    clock,
    ids,
    limits,
    redactor,
    interner,
    writerId: options.writerId ?? ids.hex(8),
    journal: options.journal,
    onError: report,
  });
  const scope = createScope();
  const openRuns = new Set<RunRecorder>();
  const surroundings = {
    desk,
    scope,
    environment: options.environment ?? null,
    isWithheld: options.isSecretBearing ?? isSecretBearing,
    onClosed: (run: RunRecorder) => void openRuns.delete(run),
  };

  const startRun = (start: RunStart): RunRecorder => {
    const run = beginRun(surroundings, repairStart({ ...options.defaults, ...start }, report));
    openRuns.add(run);
    return run;
  };

  return {
    recording: true,
    startRun,
    async run(start, fn) {
      const run = startRun(start);
      try {
        const output = await run.within(() => fn(run));
        run.close({ endReason: 'ok', ...(output === undefined ? {} : { output }) });
        return output;
      } catch (error) {
        run.close({ endReason: errorToEndReason(error), error });
        throw error;
      }
    },
    current: () => scope.state().run,
    currentStep: () => scope.state().step,
    bind: (fn) => scope.bind(fn),
    reuseStep: (fn) => (scope.state().reuse === null ? scope.enter({ reuse: new Map() }, fn) : fn()),
    async flush(flushOptions) {
      desk.reportLoss();
      return options.journal!.flush(flushOptions);
    },
    async close() {
      for (const run of [...openRuns]) run.close({ endReason: 'interrupted' });
      desk.reportLoss();
      await options.journal!.close();
    },
  };
}
