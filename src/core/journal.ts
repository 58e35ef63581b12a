import type { Content } from './content/content.ts';
import type { ContextNode } from './content/context.ts';
import type { RecordedEvent } from './record/event.ts';

/** What one write to a journal carries: the contents and nodes that are new, then the event that names them. */
export interface JournalEntry {
  readonly epoch: number;
  readonly contents: readonly Content[];
  readonly nodes: readonly ContextNode[];
  readonly event: RecordedEvent;
}

/** What was lost since the last report, by kind. */
export interface JournalLoss {
  readonly reason: 'disk-error' | 'disk-full' | 'backlog-full' | 'sink-refused' | 'sink-unreached';
  /** Lost events by run id. */
  readonly eventsByRun: ReadonlyMap<string, number>;
  readonly contents: number;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** How far records are to have come when a flush resolves. */
export type FlushPlace = 'durable' | 'index' | 'server';

/** Counts that `flush` answers with. */
export interface FlushReceipt {
  /**
   * `durable`: here, as the journal's mode promises. `index`: readable in the store. `server`: on the disk of the server it is
   * sent to. `timeout`: not known to be. Counts in `lost` are gone.
   */
  readonly state: FlushPlace | 'timeout';
  readonly written: number;
  readonly lost: number;
}

/** How durable an append that returned is. */
export type Durability = 'process' | 'power' | 'sink';

/**
 * Where a recorder puts its entries. `append` is called in the caller's thread and takes a bounded time; it never
 * throws (I1). When it returns true the entry is safe as the journal's durability says (I2).
 */
export interface Journal {
  readonly durability: Durability;
  /**
   * Keeps an entry. `kept`: safe now. `degraded`: taken, but written in the background. `lost`: gone and counted.
   */
  append(entry: JournalEntry): 'kept' | 'degraded' | 'lost';
  /**
   * Keeps several entries by one write, in order. The answer is that of the entry that fared worst. Left out by a journal
   * to which it makes no difference.
   */
  appendAll?(entries: readonly JournalEntry[]): 'kept' | 'degraded' | 'lost';
  /** What was lost since the last call, once the journal works again; `null` when nothing was or it still fails. */
  takeLoss(): JournalLoss | null;
  /**
   * A number that changes when contents already written can no longer be relied on (after an erasure, or in a new
   * file): the recorder then forgets what it knows to be stored and writes contents anew.
   */
  generation(): number;
  /** Shows that this process lives while it has nothing to record. Returns at once and never throws. */
  beat?(): void;
  flush(options?: { to?: FlushPlace; timeoutMs?: number }): Promise<FlushReceipt>;
  close(): Promise<void>;
}

/** One process as the journal knows it: enough to tell later whether it is still alive. */
export interface ProcessIdentity {
  /** 16 hex digits, the writer id of this recorder in every run it takes part in. */
  readonly writerId: string;
  readonly bootId: string;
  readonly host: string;
  readonly pid: number;
  /** The system's start time of the process (clock ticks since boot on Linux), or `null` where it cannot be read. */
  readonly processStart: string | null;
}
