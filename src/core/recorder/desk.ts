import type { Clock } from '../clock.ts';
import { TachographError } from '../error.ts';
import type { IdSource } from '../id.ts';
import type { Journal, JournalEntry, JournalLoss } from '../journal.ts';
import type { Limits } from '../limits.ts';
import type { Redacted, Redactor } from '../redact/redactor.ts';
import type { BodyMemory } from '../content/body.ts';
import { createBodyMemory } from '../content/body.ts';
import type { EntryDraft, Interner } from '../content/interner.ts';
import { encodeJson } from '../content/encoder.ts';
import { countRedactions, createDraft } from '../content/interner.ts';
import { chainEvent, zeroHash } from '../record/chain.ts';
import type { EventType, FactsOf } from '../record/event.ts';
import type { Chain } from '../record/chain-memory.ts';
import { createChainMemory } from '../record/chain-memory.ts';

export type { Chain };

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
  /** For drafts, which bring all their contents: nobody knows yet whether they will be stored. `interner` when left out. */
  readonly apart?: Interner;
  /** Request bodies as they were last sent. */
  readonly bodies: BodyMemory;
  readonly writerId: string;
  readonly journal: Journal;
  readonly onError: (error: unknown) => void;
  openChain(runId: string, epoch: number): Chain;
  /** Goes on with a chain that was begun elsewhere, under another writer id: the part of a lease in its run. */
  joinChain(chain: Omit<Chain, 'saidDegraded' | 'losses'>): Chain;
  /** The next event of a chain, for a place other than the journal. Throws when it cannot be made; then it has no number. */
  draft<T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry;
  emit<T extends EventType>(chain: Chain, emission: Emission<T>): void;
  /**
   * What is emitted while `work` runs goes to the journal in one write, when it returns or throws; only then is it safe
   * (I2). `work` is synchronous: nothing of the host's runs in between.
   */
  together<T>(work: () => T): T;
  /** Does what a method of the recorder is there for. When that throws it is reported, and `fallback` returned (I1). */
  safely<T>(work: () => T, fallback: T): T;
  /** Writes a gap event into every chain that lost something, once the journal works again. */
  reportLoss(): void;
}

/** Events of one `together`, in order, and whose they are. */
interface Batch {
  readonly chains: Chain[];
  readonly entries: JournalEntry[];
}

/** Payloads without their ids are few: the same names, models and options again and again. */
const wordsCharsMax = 512;
const wordsMax = 1024;

/** Redacts payloads and remembers what it made of short ones. */
function createWordMemory(redactor: Redactor): { redact(text: string): Redacted<string> } {
  const redactedByText = new Map<string, Redacted<string>>();
  return {
    redact(text) {
      if (text.length > wordsCharsMax) return redactor.json(text);
      const known = redactedByText.get(text);
      if (known !== undefined) return known;
      const redacted = redactor.json(text);
      if (redactedByText.size >= wordsMax) redactedByText.clear();
      redactedByText.set(text, redacted);
      return redacted;
    },
  };
}

/** Builds a desk over a journal. */
export function createDesk(
  given: Omit<Desk, 'bodies' | 'openChain' | 'joinChain' | 'draft' | 'emit' | 'together' | 'safely' | 'reportLoss'>,
): Desk {
  const parts = { ...given, bodies: createBodyMemory() };
  const { journal, interner, clock } = parts;
  const chains = createChainMemory();
  const words = createWordMemory(parts.redactor);
  let generation = journal.generation();
  /** What `together` holds back; `null` outside of it. */
  let batch: Batch | null = null;

  const safely = <T>(work: () => T, fallback: T): T => {
    try {
      return work();
    } catch (error) {
      // I1: whatever went wrong in here is ours to report, never the host's to catch.
      parts.onError(error);
      return fallback;
    }
  };

  const openChain = (runId: string, epoch: number): Chain => {
    const known = chains.get(runId);
    if (known !== undefined) return known;
    const chain = { runId, epoch, writerId: parts.writerId, n: 0, head: zeroHash, saidDegraded: false, losses: 0 };
    chains.add(chain);
    return chain;
  };

  const joinChain = (joined: Omit<Chain, 'saidDegraded' | 'losses'>): Chain => {
    const chain = { ...joined, saidDegraded: false, losses: 0 };
    chains.add(chain);
    return chain;
  };

  const payloadText = (payload: object, draft: EntryDraft, special: boolean): string => {
    const first = words.redact(encodeJson(payload, special));
    if (!first.value.startsWith('{'))
      throw new TachographError('internal', 'The payload of an event could not be redacted and was left out.');
    countRedactions(draft, first.counts);
    // What is ours joins the text behind redaction: ids, and the counts of what was removed.
    const own = draft.redactions === null ? draft.own : `${draft.own},"redactions":${JSON.stringify(draft.redactions)}`;
    if (own === '') return first.value;
    const open = first.value.slice(0, -1);
    return open === '{' ? `{${own.slice(1)}}` : `${open}${own}}`;
  };

  const entryOf = <T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry => {
    const draft = createDraft(chain.epoch);
    const payload = payloadText(emission.payload(draft), draft, emission.special === true);
    const header = {
      runId: chain.runId,
      writerId: chain.writerId,
      n: chain.n + 1,
      type: emission.type,
      timeMs: emission.timeMs ?? clock.nowMs(),
      stepId: emission.stepId ?? null,
      attempt: emission.attempt ?? null,
      facts: emission.facts === null ? null : JSON.stringify(emission.facts),
    };
    const event = chainEvent({ header, payload, salt: parts.ids.random(16), previous: chain.head });
    chain.n = header.n;
    chain.head = event.hash;
    return { epoch: draft.epoch, contents: draft.contents, nodes: draft.nodes, event };
  };

  const entryOrNull = <T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry | null => {
    try {
      return entryOf(chain, emission);
    } catch (error) {
      parts.onError(error);
      return null;
    }
  };

  const saySlow = (chain: Chain): void => {
    if (chain.saidDegraded) return;
    chain.saidDegraded = true;
    write(chain, { type: 'log', facts: null, payload: () => ({ type: 'durability', data: { state: 'degraded' } }) });
  };

  const append = (chain: Chain, entry: JournalEntry): void => {
    if (batch !== null) {
      batch.chains.push(chain);
      batch.entries.push(entry);
      return;
    }
    const outcome = journal.append(entry);
    // Contents that went down with a lost entry must be written again by whoever needs them next.
    if (outcome === 'lost') interner.forget();
    if (outcome === 'lost') chain.losses += 1;
    if (outcome === 'degraded') saySlow(chain);
  };

  const keep = (chain: Chain, entry: JournalEntry): boolean => safely(() => (append(chain, entry), true), false);

  const freshen = (): void => {
    const now = journal.generation();
    if (now === generation) return;
    generation = now;
    interner.forget();
  };

  const write = <T extends EventType>(chain: Chain, emission: Emission<T>): void => {
    freshen();
    append(chain, entryOf(chain, emission));
  };

  const reportLoss = (): void => {
    const loss: JournalLoss | null = journal.takeLoss();
    if (loss === null) return;
    interner.forget();
    for (const [runId, events] of loss.eventsByRun) {
      const chain = chains.get(runId);
      if (chain === undefined) continue;
      const { reason, contents, bytes, sinceMs, untilMs } = loss;
      write(chain, { type: 'gap', facts: { reason, events, contents, bytes, sinceMs, untilMs }, payload: () => ({}) });
    }
  };

  const tellGap = (chain: Chain, lost: { events: number; contents: number }): void => {
    const timeMs = clock.nowMs();
    const facts = { reason: 'serialise-failed', ...lost, bytes: 0, sinceMs: timeMs, untilMs: timeMs } as const;
    write(chain, { type: 'gap', facts, payload: () => ({}) });
  };

  /** What comes before an event: what was lost until now is told, and what can no longer be relied on is forgotten. */
  const prepare = (): void => {
    safely(reportLoss, undefined);
    safely(freshen, undefined);
  };

  const emit = <T extends EventType>(chain: Chain, emission: Emission<T>): void => {
    if (batch === null) prepare();
    let entry = entryOrNull(chain, emission);
    const isWhole = entry !== null;
    if (entry === null) {
      // An end that is lost would leave its run open for ever: the event stands, and only its words are gone. Contents
      // of the failed draft count as known and were never written, so all are forgotten.
      interner.forget();
      entry = entryOrNull(chain, { ...emission, payload: () => emission.spare ?? {} });
    }
    const isKept = entry !== null && keep(chain, entry);
    if (isKept && isWhole) return;
    if (!isKept) chain.losses += 1;
    safely(() => tellGap(chain, isKept ? { events: 0, contents: 1 } : { events: 1, contents: 0 }), undefined);
  };

  const appendBatch = ({ chains: owners, entries }: Batch): void => {
    const outcome = journal.appendAll!(entries);
    if (outcome === 'lost') interner.forget();
    if (outcome === 'lost') for (const chain of owners) chain.losses += 1;
    if (outcome === 'degraded') for (const chain of owners) saySlow(chain);
  };

  const keepBatch = (own: Batch): void => {
    const isWhole = own.entries.length > 1 && journal.appendAll !== undefined;
    const isKept = isWhole && safely(() => (appendBatch(own), true), false);
    for (const [index, chain] of own.chains.entries()) {
      if (isKept || (!isWhole && keep(chain, own.entries[index]!))) continue;
      chain.losses += 1;
      safely(() => tellGap(chain, { events: 1, contents: 0 }), undefined);
    }
  };

  const together = <T>(work: () => T): T => {
    if (batch !== null) return work();
    prepare();
    const own: Batch = (batch = { chains: [], entries: [] });
    try {
      return work();
    } finally {
      batch = null;
      keepBatch(own);
    }
  };

  const draft = <T extends EventType>(chain: Chain, emission: Emission<T>): JournalEntry => {
    // What an earlier draft brought may never have been stored.
    (parts.apart ?? interner).forget();
    return entryOf(chain, emission);
  };

  return {
    ...parts,
    openChain,
    joinChain,
    draft,
    emit,
    together,
    safely,
    reportLoss: () => safely(reportLoss, undefined),
  };
}
