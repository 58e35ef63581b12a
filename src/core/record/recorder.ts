import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { createContentNamer } from '../content/content.ts';
import { createInterner } from '../content/interner.ts';
import { createErrorReporter, errorToTold } from '../error-report.ts';
import { TachographError } from '../error.ts';
import type { IdSource } from '../id.ts';
import { createIdSource } from '../id.ts';
import type { Journal } from '../journal.ts';
import { createGate } from '../life/gate.ts';
import type { ReadSwitches } from '../life/switches.ts';
import { createHeartbeat } from '../life/heartbeat.ts';
import type { Limits } from '../limits.ts';
import { defaultLimits } from '../limits.ts';
import { createRedactor } from '../redact/create.ts';
import type { RedactOptions } from '../redact/options.ts';
import type { Redactor } from '../redact/redactor.ts';
import { createDesk } from '../recorder/desk.ts';
import { errorToEndReason } from './failure.ts';
import { redactArguments } from '../recorder/environment.ts';
import { readFields, refused } from '../recorder/given.ts';
import { runStartShape } from '../recorder/given-shapes.ts';
import { nullRecorder, nullRun } from '../recorder/null-recorder.ts';
import { isSecretBearing } from '../recorder/observer.ts';
import type { JoinedRun, Recorder, RunJoin, RunRecorder, RunStart } from './recording.ts';
import { beginRun, joinRun } from '../recorder/run-recorder.ts';
import { createScope } from '../recorder/scope.ts';

/** How a recorder is made. Only the journal is needed; `null` records nothing. */
export interface RecorderOptions {
  readonly journal: Journal | null;
  /** 32 bytes, the project's: equal contents of one project get one name, equal secrets one placeholder. */
  readonly contentKey?: Uint8Array;
  /** More than credentials: own rules, personal data, pseudonyms. Throws `bad-argument` when it is not right. */
  readonly redact?: RedactOptions;
  /** Takes the place of the built-in redactor, and of `redact`. */
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
  /** Asked at the beginning of each run whether it is recorded; left out, every run is. */
  readonly switches?: ReadSwitches;
  /** Tools whose arguments and results the observer form withholds. */
  readonly isSecretBearing?: (toolName: string) => boolean;
  /** Told of trouble, at most once a minute for each kind. */
  readonly onError?: (error: unknown) => void;
}

function checkKey(key: Uint8Array): Uint8Array {
  if (key.length === 32) return key;
  throw new TachographError(
    'bad-argument',
    `contentKey has ${key.length} bytes; give 32 random bytes, the same for every recorder of the project.`,
  );
}

/** What a caller got wrong is reported and repaired rather than thrown: a recording call never harms its host (I1). */
function readStart(given: unknown, defaults: Partial<RunStart>, report: (error: unknown) => void): RunStart {
  const start = { ...defaults, ...readFields<RunStart>(given, runStartShape, report) };
  if (start.agentId !== undefined && start.agentId !== '') return { ...start, agentId: start.agentId };
  report(
    new TachographError(
      'bad-argument',
      'A run was started without an agentId and is recorded as "unnamed": pass { agentId }.',
    ),
  );
  return { ...start, agentId: 'unnamed' };
}

/** A recorder over a journal. Two recorders never share a writer id; a forked process makes its own. */
export function createRecorder(options: RecorderOptions): Recorder {
  if (options.journal === null) return nullRecorder;
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIdSource(clock);
  const key = checkKey(options.contentKey ?? randomBytes(32));
  const redactor = options.redactor ?? createRedactor({ key, ...options.redact });
  const limits = { ...defaultLimits, ...options.limits };
  const namer = createContentNamer(key);
  const interner = createInterner({ namer, redactor, knownMax: limits.knownContentsMax });
  const { onError } = options;
  const report = createErrorReporter(clock, onError && ((error) => onError(errorToTold(error, redactor))));
  const desk = createDesk({
    clock,
    ids,
    limits,
    redactor,
    interner,
    apart: createInterner({ namer, redactor, knownMax: 1 }),
    writerId: options.writerId ?? ids.hex(8),
    journal: options.journal,
    onError: report,
  });
  const scope = createScope();
  const gate = options.switches === undefined ? null : createGate({ read: options.switches, scope, onError: report });
  const openRuns = new Set<RunRecorder>();
  const heartbeat = createHeartbeat({
    everyMs: Math.max(1, limits.staleMs / 2),
    isNeeded: () => openRuns.size > 0,
    beat: () => desk.safely(() => options.journal!.beat?.(), undefined),
  });
  const surroundings = {
    desk,
    scope,
    environment: desk.safely(() => (options.environment ? redactArguments(options.environment, redactor) : null), null),
    isWithheld: options.isSecretBearing ?? isSecretBearing,
    onClosed: (run: RunRecorder) => void openRuns.delete(run),
  };

  const closings = new Set<() => void>();
  const defaults = readFields<RunStart>(options.defaults ?? {}, runStartShape, report);
  const startRun = (given: RunStart): RunRecorder =>
    desk.safely(() => {
      const start = readStart(given, defaults, report);
      const muted = gate?.mutedFor(start) ?? null;
      if (muted !== null) return muted;
      const run = beginRun(surroundings, start);
      gate?.note(run, start);
      openRuns.add(run);
      heartbeat.start();
      return run;
    }, nullRun);

  const joinLeasedRun = (join: RunJoin): JoinedRun => {
    const run = joinRun(surroundings, join);
    openRuns.add(run);
    heartbeat.start();
    return run;
  };

  return {
    recording: true,
    startRun,
    joinRun: joinLeasedRun,
    async run(start, fn) {
      if (typeof fn !== 'function') report(refused('fn'));
      const run = startRun(start);
      try {
        const output = await run.within(() => (typeof fn === 'function' ? fn(run) : (undefined as never)));
        run.close({ endReason: 'ok', ...(output === undefined ? {} : { output }) });
        return output;
      } catch (error) {
        run.close({ endReason: errorToEndReason(error), error });
        throw error;
      }
    },
    current: () => scope.state().run,
    currentStep: () => scope.state().step,
    bind: (fn) => desk.safely(() => scope.bind(fn), fn),
    reuseStep: (fn) => scope.enter({ reuse: scope.state().reuse ?? new Map() }, fn),
    together: (fn) => (typeof fn === 'function' ? desk.together(fn) : (undefined as never)),
    onClose: (work) => void (typeof work === 'function' && closings.add(work)),
    async flush(flushOptions) {
      desk.reportLoss();
      try {
        return await options.journal!.flush(flushOptions);
      } catch (error) {
        report(error);
        return { state: 'timeout', written: 0, lost: 0 };
      }
    },
    async close() {
      for (const work of closings) desk.safely(work, undefined);
      closings.clear();
      for (const run of [...openRuns]) run.close({ endReason: 'interrupted' });
      heartbeat.stop();
      desk.reportLoss();
      try {
        await options.journal!.close();
      } catch (error) {
        report(error);
      }
    },
  };
}
