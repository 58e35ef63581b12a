import type { Clock } from '../core/clock.ts';
import type { JournalLoss } from '../core/journal.ts';

/** A frame that waits in memory for the disk. */
export interface WaitingFrame {
  /** Its own bytes, not the encoder's. */
  readonly frame: Buffer;
  readonly runId: string;
  readonly contents: number;
}

/** Frames waiting for the disk, in order, bounded by bytes. */
export interface Backlog {
  isEmpty(): boolean;
  /** False when it would grow past the bound: the frame was not taken. */
  push(item: WaitingFrame): boolean;
  /** Puts frames before all others, whatever the bound. */
  pushFirst(items: readonly WaitingFrame[]): void;
  /** The first frames as one buffer of at most about `bytesMax`, at least one frame. They stay until dropped. */
  peek(bytesMax: number): { readonly bytes: Buffer; readonly count: number };
  /** Lets go of the first frames. */
  drop(count: number): readonly WaitingFrame[];
}

/** An empty backlog that holds at most `bytesMax` bytes of frames. */
export function createBacklog(bytesMax: number): Backlog {
  let items: WaitingFrame[] = [];
  let first = 0;
  let bytes = 0;
  return {
    isEmpty: () => first === items.length,
    push(item) {
      if (bytes + item.frame.length > bytesMax) return false;
      items.push(item);
      bytes += item.frame.length;
      return true;
    },
    pushFirst(earlier) {
      items = [...earlier, ...items.slice(first)];
      first = 0;
      for (const item of earlier) bytes += item.frame.length;
    },
    peek(batchBytes) {
      let end = first;
      for (
        let size = 0;
        end < items.length && (end === first || size + items[end]!.frame.length <= batchBytes);
        end += 1
      ) {
        size += items[end]!.frame.length;
      }
      const frames = items.slice(first, end).map((item) => item.frame);
      return { bytes: frames.length === 1 ? frames[0]! : Buffer.concat(frames), count: frames.length };
    },
    drop(count) {
      const gone = items.slice(first, first + count);
      for (const item of gone) bytes -= item.frame.length;
      first += gone.length;
      // The array is cut now and then only: taking from its front one by one would move all the rest each time.
      if (first > 1024 || first === items.length) {
        items = items.slice(first);
        first = 0;
      }
      return gone;
    },
  };
}

/** Counts of what was lost, by reason, until they are taken. */
export interface LossLedger {
  /** Events lost since the beginning. */
  readonly total: () => number;
  add(reason: JournalLoss['reason'], lost: { runId: string; contents: number; bytes: number }): void;
  /** The oldest reason's counts, which are forgotten here; `null` when there is none. */
  take(): JournalLoss | null;
}

/** A ledger without losses. */
export function createLossLedger(clock: Clock): LossLedger {
  type Tally = { -readonly [K in keyof JournalLoss]: JournalLoss[K] } & { eventsByRun: Map<string, number> };
  const tallyByReason = new Map<JournalLoss['reason'], Tally>();
  let total = 0;
  return {
    total: () => total,
    add(reason, { runId, contents, bytes }) {
      const nowMs = clock.nowMs();
      let tally = tallyByReason.get(reason);
      if (tally === undefined) {
        tally = { reason, eventsByRun: new Map(), contents: 0, bytes: 0, sinceMs: nowMs, untilMs: nowMs };
        tallyByReason.set(reason, tally);
      }
      total += 1;
      tally.eventsByRun.set(runId, (tally.eventsByRun.get(runId) ?? 0) + 1);
      tally.contents += contents;
      tally.bytes += bytes;
      tally.untilMs = Math.max(tally.untilMs, nowMs);
    },
    take() {
      for (const [reason, tally] of tallyByReason) {
        tallyByReason.delete(reason);
        return tally;
      }
      return null;
    },
  };
}
