import type { Clock } from '../core/clock.ts';
import type { Archive } from './archive.ts';

/** What is known of a writer at one moment. */
export interface Pulse {
  readonly state: 'alive' | 'gone' | 'unknown';
  /** Since its last write or sign of life. */
  readonly quietMs: number;
}

/** Each writer that has a journal, by writer id. */
export type Pulses = ReadonlyMap<string, Pulse>;

/** Looks at the writers of an archive. */
export interface PulseTaker {
  take(): Pulses;
}

interface Memory {
  readonly beatMs: number;
  readonly sinceMs: number;
  /** It was seen to change, so its age is known by our own clock. */
  readonly hasMoved: boolean;
}

/**
 * Takes the pulse of writers by the times of their files. Those are another machine's word: once a file was seen to
 * change, our own clock counts; until then the older of the two does, so that a clock that runs ahead there keeps no run
 * open for ever.
 */
export function createPulseTaker({ archive, clock }: { archive: Archive; clock: Clock }): PulseTaker {
  let memoryByWriter = new Map<string, Memory>();

  const newestBeats = (): Map<string, { beatMs: number; state: Pulse['state'] }> => {
    const found = new Map<string, { beatMs: number; state: Pulse['state'] }>();
    for (const { identity, modifiedAtMs } of archive.list().files) {
      const known = found.get(identity.writerId);
      const state = known?.state ?? archive.processState(identity);
      found.set(identity.writerId, { state, beatMs: Math.max(modifiedAtMs, known?.beatMs ?? 0) });
    }
    return found;
  };

  return {
    take() {
      const sinceMs = clock.monotonicMs();
      const next = new Map<string, Memory>();
      const pulses = new Map<string, Pulse>();
      for (const [writerId, { beatMs, state }] of newestBeats()) {
        const before = memoryByWriter.get(writerId);
        const memory =
          before !== undefined && before.beatMs === beatMs
            ? before
            : { beatMs, sinceMs, hasMoved: before !== undefined };
        next.set(writerId, memory);
        const watchedMs = sinceMs - memory.sinceMs;
        const quietMs = memory.hasMoved ? watchedMs : Math.max(watchedMs, clock.nowMs() - beatMs);
        pulses.set(writerId, { state, quietMs });
      }
      memoryByWriter = next;
      return pulses;
    },
  };
}
