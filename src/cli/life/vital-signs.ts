import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { systemClock } from '../../core/clock.ts';
import type { Gauge } from '../../server/index.ts';
import { listJournals, listQuarantine } from '../../journal/index.ts';
import type { OpenedHome } from '../open.ts';

/** Numbers of a server's home and process. */
export interface VitalSigns {
  gauges(): Promise<readonly Gauge[]>;
  close(): void;
}

/** How far the store is behind the journals. */
interface Backlog {
  readonly journals: number;
  readonly bytes: number;
  readonly lagMs: number;
}

const measureMs = 2000;
const timerMs = 20;
/** Runs that wait for a seal, counted up to here. */
const sealsMax = 1000;

const one = (name: string, help: string, value: number): Gauge => ({ name, help, samples: [{ labels: {}, value }] });

/**
 * Measures what waits in the journals. The lag is how long the bytes that wait longest have been seen to wait: of each file
 * its end is noted, and the time until the store has come that far is the lag.
 */
function createBacklogMeter({ home, store }: Pick<OpenedHome, 'home' | 'store'>): () => Promise<Backlog> {
  const goalByFile = new Map<string, { bytes: number; sinceMs: number }>();
  return async () => {
    const files = listJournals(home);
    const doneByFile = new Map((await store.journalPositions()).map((each) => [each.file, each.bytes]));
    const nowMs = systemClock.monotonicMs();
    const present = new Set(files.map(({ name }) => name));
    for (const name of goalByFile.keys()) if (!present.has(name)) goalByFile.delete(name);
    let [bytes, lagMs] = [0, 0];
    for (const file of files) {
      const done = doneByFile.get(file.name) ?? 0;
      bytes += Math.max(0, file.bytes - done);
      let goal = goalByFile.get(file.name);
      if (goal === undefined || done >= goal.bytes)
        goalByFile.set(file.name, (goal = { bytes: file.bytes, sinceMs: nowMs }));
      if (done < goal.bytes) lagMs = Math.max(lagMs, nowMs - goal.sinceMs);
    }
    return { journals: files.length, bytes, lagMs };
  };
}

function processGauges(delay: { percentile(percent: number): number; reset(): void }): readonly Gauge[] {
  const { rss, heapUsed } = process.memoryUsage();
  // What is measured holds the time that the timer was set to.
  const seconds = (percent: number): number => Math.max(0, delay.percentile(percent) / 1e9 - timerMs / 1000);
  const samples = [
    { labels: { quantile: '0.5' }, value: seconds(50) },
    { labels: { quantile: '0.99' }, value: seconds(99) },
  ];
  delay.reset();
  const cpu = process.cpuUsage();
  return [
    one('process_resident_memory_bytes', 'Memory of the process.', rss),
    one('tachograph_heap_used_bytes', 'Memory of the process that JavaScript uses.', heapUsed),
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the process.',
      type: 'counter',
      samples: [{ labels: {}, value: (cpu.user + cpu.system) / 1e6 }],
    },
    {
      name: 'tachograph_event_loop_delay_seconds',
      help: 'How late timers of the process were since the last look.',
      samples,
    },
  ];
}

/** The numbers of an opened home and of this process. The backlog is measured every two seconds, also while nobody looks. */
export function watchVitalSigns(opened: Pick<OpenedHome, 'home' | 'store' | 'database'>): VitalSigns {
  const { home, store } = opened;
  const meter = createBacklogMeter(opened);
  const delay = monitorEventLoopDelay({ resolution: timerMs });
  delay.enable();
  let measured: Backlog = { journals: 0, bytes: 0, lagMs: 0 };
  let isUp = true;
  const ask = async (): Promise<void> => {
    try {
      measured = await meter();
      isUp = true;
    } catch {
      // A store that cannot be asked: what was measured last stands, and this says so.
      isUp = false;
    }
  };
  let asking: Promise<void> | null = null;
  // One at a time: a store that does not answer is not asked by more and more.
  const measure = async (): Promise<void> => {
    asking ??= ask().finally(() => void (asking = null));
    await asking;
  };
  const timer = setInterval(() => void measure(), measureMs);
  timer.unref();
  const countSeals = async (): Promise<readonly Gauge[]> => {
    if (!isUp) return [];
    const waiting = await store.listSealDue(sealsMax).catch(() => null);
    if (waiting === null) return [];
    return [one('tachograph_seals_waiting', `Runs that wait for a seal, at most ${sealsMax}.`, waiting.length)];
  };
  return {
    async gauges() {
      await measure();
      const quarantine = listQuarantine(home);
      return [
        one('tachograph_store_up', '1 while the store answers.', isUp ? 1 : 0),
        one('tachograph_backlog_bytes', 'Bytes of journals that the store has not got.', measured.bytes),
        one('tachograph_indexer_lag_seconds', 'How long the oldest of them wait.', measured.lagMs / 1000),
        one('tachograph_journals', 'Journals in the home.', measured.journals),
        one('tachograph_quarantine_files', 'Files that could not be imported.', quarantine.length),
        one(
          'tachograph_quarantine_bytes',
          'Bytes of them.',
          quarantine.reduce((sum, { bytes }) => sum + bytes, 0),
        ),
        ...(await countSeals()),
        ...processGauges(delay),
      ];
    },
    close() {
      clearInterval(timer);
      delay.disable();
    },
  };
}
