import type { Clock } from '../clock.ts';
import type { IdSource } from '../id.ts';
import type { Journal, JournalEntry, JournalLoss } from '../journal.ts';
import type { Limits } from '../limits.ts';
import type { Redactor } from '../redact/redactor.ts';
import type { BodyMemory } from '../content/body.ts';
import { createBodyMemory } from '../content/body.ts';
import type { EntryDraft, Interner } from '../content/interner.ts';
import { encodeJson } from '../content/encoder.ts';
import { createDraft } from '../content/interner.ts';
import { chainEvent, zeroHash } from '../record/chain.ts';
import type { EventType, FactsOf } from '../record/event.ts';

/** One writer's chain in one run: where the next event goes. */
export interface Chain {
  readonly runId: string;
  readonly epoch: number;
  n: number;
  head: Uint8Array;
  /** The record already says that this run's writes went on in the background. */
  saidDegraded: boolean;
}

/** An event about to be written. */
export interface Emission<T extends EventType> {
  readonly type: T;
  readonly stepId?: string;
  readonly attempt?: number;
  readonly facts: FactsOf<T>;
  /** Fills the draft with contents and returns the payload. */
  readonly payload: (draft: EntryDraft) => object;
  readonly timeMs?: number;
}

/**
 * Where every event is made: payload, redaction, chain, journal, in this order, in the caller's thread. Nothing here
 * throws into the host (I1), and nothing leaves it unredacted (I4).
 */
export interface Desk {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly limits: Limits;
  readonly redactor: Redactor;
  readonly interner: Interner;
  /** Request bodies as they were last sent. */
  readonly bodies: BodyMemory;
  readonly writerId: string;
  readonly journal: Journal;
  readonly onError: (error: unknown) => void;
  openChain(runId: string, epoch: number): Chain;
  emit<T extends EventType>(chain: Chain, emission: Emission<T>): void;
  /** Writes a gap event into every chain that lost something, once the journal works again. */
  reportLoss(): void;
}

/** How many chains are remembered, so that a loss can be told to runs that have ended meanwhile. */
const chainsMax = 4096;

/** Builds a desk over a journal. */
export function createDesk(given: Omit<Desk, 'bodies' | 'openChain' | 'emit' | 'reportLoss'>): Desk {
  const parts = { ...given, bodies: createBodyMemory() };
  const chainByRun = new Map<string, Chain>();
  let generation = parts.journal.generation();

  const openChain = (runId: string, epoch: number): Chain => {
    let chain = chainByRun.get(runId);
    if (chain === undefined) {
      chain = { runId, epoch, n: 0, head: zeroHash, saidDegraded: false };
      if (chainByRun.size >= chainsMax) chainByRun.delete(chainByRun.keys().next().value!);
      chainByRun.set(runId, chain);
    }
    return chain;
  };

  const payloadText = <T extends EventType>(emission: Emission<T>, draft: EntryDraft): string => {
    const payload = emission.payload(draft);
    const first = parts.redactor.json(encodeJson(payload, false));
    if (first.counts === null && draft.redactions === null) return first.value;
    const redactions = { ...draft.redactions };
    for (const [kind, count] of Object.entries(first.counts ?? {})) redactions[kind] = (redactions[kind] ?? 0) + count;
    // The counts join the text behind redaction: they are our own words, and the payload is never empty text.
    const open = first.value.slice(0, -1);
    return `${open}${open === '{' ? '' : ','}"redactions":${JSON.stringify(redactions)}}`;
  };

  const entryOf = <T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry => {
    const draft = createDraft(chain.epoch);
    const payload = payloadText(emission, draft);
    const header = {
      runId: chain.runId,
      writerId: parts.writerId,
      n: chain.n + 1,
      type: emission.type,
      timeMs: emission.timeMs ?? parts.clock.nowMs(),
      stepId: emission.stepId ?? null,
      attempt: emission.attempt ?? null,
      facts: emission.facts === null ? null : JSON.stringify(emission.facts),
    };
    const event = chainEvent({ header, payload, salt: parts.ids.random(16), previous: chain.head });
    chain.n = header.n;
    chain.head = event.hash;
    return { epoch: draft.epoch, contents: draft.contents, nodes: draft.nodes, event };
  };

  const saySlow = (chain: Chain): void => {
    if (chain.saidDegraded) return;
    chain.saidDegraded = true;
    write(chain, { type: 'log', facts: null, payload: () => ({ type: 'durability', data: { state: 'degraded' } }) });
  };

  const write = <T extends EventType>(chain: Chain, emission: Emission<T>): void => {
    const now = parts.journal.generation();
    if (now !== generation) {
      generation = now;
      parts.interner.forget();
    }
    const outcome = parts.journal.append(entryOf(chain, emission));
    // Contents that went down with a lost entry must be written again by whoever needs them next.
    if (outcome === 'lost') parts.interner.forget();
    if (outcome === 'degraded') saySlow(chain);
  };

  const reportLoss = (): void => {
    const loss: JournalLoss | null = parts.journal.takeLoss();
    if (loss === null) return;
    parts.interner.forget();
    for (const [runId, events] of loss.eventsByRun) {
      const chain = chainByRun.get(runId);
      if (chain === undefined) continue;
      const { reason, contents, bytes, sinceMs, untilMs } = loss;
      write(chain, { type: 'gap', facts: { reason, events, contents, bytes, sinceMs, untilMs }, payload: () => ({}) });
    }
  };

  const loseOne = (chain: Chain): void => {
    const timeMs = parts.clock.nowMs();
    const facts = {
      reason: 'serialise-failed',
      events: 1,
      contents: 0,
      bytes: 0,
      sinceMs: timeMs,
      untilMs: timeMs,
    } as const;
    write(chain, { type: 'gap', facts, payload: () => ({}) });
  };

  const safely = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      // I1: whatever went wrong in here is ours to report, never the host's to catch.
      parts.onError(error);
      return false;
    }
  };

  return {
    ...parts,
    openChain,
    emit(chain, emission) {
      safely(reportLoss);
      if (!safely(() => write(chain, emission))) safely(() => loseOne(chain));
    },
    reportLoss: () => void safely(reportLoss),
  };
}
