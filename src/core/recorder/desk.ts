import type { Clock } from '../clock.ts';
import { TachographError } from '../error.ts';
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
  /** What the payload is when it cannot be made or written down; nothing when left out. */
  readonly spare?: object;
  /** The payload may hold bytes, maps or the like, which plain JSON would bloat or lose. */
  readonly special?: boolean;
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
  /** Does what a method of the recorder is there for. When that throws it is reported, and `fallback` returned (I1). */
  safely<T>(work: () => T, fallback: T): T;
  /** Writes a gap event into every chain that lost something, once the journal works again. */
  reportLoss(): void;
}

/** How many chains are remembered, so that a loss can be told to runs that have ended meanwhile. */
const chainsMax = 4096;

/** Builds a desk over a journal. */
export function createDesk(given: Omit<Desk, 'bodies' | 'openChain' | 'emit' | 'safely' | 'reportLoss'>): Desk {
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

  const payloadText = (payload: object, draft: EntryDraft, special: boolean): string => {
    const first = parts.redactor.json(encodeJson(payload, special));
    if (!first.value.startsWith('{'))
      throw new TachographError('internal', 'The payload of an event could not be redacted and was left out.');
    if (first.counts === null && draft.redactions === null) return first.value;
    const redactions = { ...draft.redactions };
    for (const [kind, count] of Object.entries(first.counts ?? {})) redactions[kind] = (redactions[kind] ?? 0) + count;
    // The counts join the text behind redaction: they are our own words, and the payload is never empty text.
    const open = first.value.slice(0, -1);
    return `${open}${open === '{' ? '' : ','}"redactions":${JSON.stringify(redactions)}}`;
  };

  const entryOf = <T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry => {
    const draft = createDraft(chain.epoch);
    const payload = payloadText(emission.payload(draft), draft, emission.special === true);
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

  const append = (chain: Chain, entry: JournalEntry): void => {
    const outcome = parts.journal.append(entry);
    // Contents that went down with a lost entry must be written again by whoever needs them next.
    if (outcome === 'lost') parts.interner.forget();
    if (outcome === 'degraded') saySlow(chain);
  };

  const freshen = (): void => {
    const now = parts.journal.generation();
    if (now === generation) return;
    generation = now;
    parts.interner.forget();
  };

  const write = <T extends EventType>(chain: Chain, emission: Emission<T>): void => {
    freshen();
    append(chain, entryOf(chain, emission));
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

  const tellGap = (chain: Chain, lost: { events: number; contents: number }): void => {
    const timeMs = parts.clock.nowMs();
    const facts = { reason: 'serialise-failed', ...lost, bytes: 0, sinceMs: timeMs, untilMs: timeMs } as const;
    write(chain, { type: 'gap', facts, payload: () => ({}) });
  };

  const safely = <T>(work: () => T, fallback: T): T => {
    try {
      return work();
    } catch (error) {
      // I1: whatever went wrong in here is ours to report, never the host's to catch.
      parts.onError(error);
      return fallback;
    }
  };

  const emit = <T extends EventType>(chain: Chain, emission: Emission<T>): void => {
    safely(reportLoss, undefined);
    safely(freshen, undefined);
    let entry = safely(() => entryOf(chain, emission), null);
    const isWhole = entry !== null;
    if (entry === null) {
      // An end that is lost would leave its run open for ever: the event stands, and only its words are gone. Contents
      // of the failed draft count as known and were never written, so all are forgotten.
      parts.interner.forget();
      entry = safely(() => entryOf(chain, { ...emission, payload: () => emission.spare ?? {} }), null);
    }
    const isKept = entry !== null && safely(() => (append(chain, entry), true), false);
    if (isKept && isWhole) return;
    safely(() => tellGap(chain, isKept ? { events: 0, contents: 1 } : { events: 1, contents: 0 }), undefined);
  };

  return { ...parts, openChain, emit, safely, reportLoss: () => safely(reportLoss, undefined) };
}
