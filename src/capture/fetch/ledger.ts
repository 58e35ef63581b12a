import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { Limits } from '../../core/limits.ts';
import { defaultLimits } from '../../core/limits.ts';
import { expectedExchanges } from '../../core/record/expected-exchange.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { Conversations } from './conversations.ts';
import { createConversations } from './conversations.ts';
import type { Exchange } from './exchange.ts';
import { createExchange } from './exchange.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import { findPlace } from './place.ts';
import { isGoverned } from './spending/spending.ts';
import { createRetryMemory } from './retry/retry-memory.ts';

/** What may be set of the recording of exchanges. */
export interface LedgerOptions {
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
  /**
   * `capped`, the default, keeps the beginning of a body that is no JSON request, up to `limits.bodyBytesMax`. `full` keeps
   * up to 32 MiB; the recorder's own `limits.bodyBytesMax`, which cuts last, must be as large.
   */
  readonly bodies?: 'capped' | 'full';
  /** Agent of the runs of calls that no run claims. Default `http`. */
  readonly agentId?: string;
  /** A conversation that was silent for so long is over. Default 5 minutes. */
  readonly conversationIdleMs?: number;
  /** A body that nobody reads for so long was left. Default 10 minutes. */
  readonly exchangeIdleMs?: number;
  readonly onError?: (error: unknown) => void;
}

/** All exchanges of one recorder, in whichever layer they are seen. */
export interface Ledger {
  readonly recorder: Recorder;
  readonly limits: Limits;
  /** False when a request that begins here, in this scope, is none of ours, whatever it says. Costs next to nothing. */
  mayConcern(isListed: boolean): boolean;
  /** Begins to record an exchange, its start written when this returns (I3); `null` when it is none of ours. */
  begin(request: ExchangeRequest, rule: { isListed: boolean; isEverything: boolean }): Exchange | null;
  /** Runs what must not reach the host when it fails (I1). */
  guard<T>(fn: () => T): T | undefined;
  /** Ends what nobody reads any more and closes conversations that fell silent. */
  sweep(): void;
  /** Ends every open exchange and closes every conversation. */
  closeAll(): void;
  readonly conversations: Conversations;
}

const sweepMs = 30_000;
/** More than this of one body is never held in memory. */
const fullBytesMax = 32 * 1024 * 1024;

function createLedger(recorder: Recorder, options: LedgerOptions): Ledger {
  const clock = options.clock ?? systemClock;
  const full = options.bodies === 'full' ? { bodyBytesMax: fullBytesMax } : {};
  const limits = { ...defaultLimits, ...options.limits, ...full };
  const exchangeIdleMs = options.exchangeIdleMs ?? 600_000;
  const conversations = createConversations({
    recorder,
    clock,
    idleMs: options.conversationIdleMs ?? 300_000,
    agentId: options.agentId ?? 'http',
  });
  const rules = { recorder, conversations, retries: createRetryMemory(clock) };
  const open = new Set<Exchange>();
  let timer: NodeJS.Timeout | null = null;

  const guard = <T>(fn: () => T): T | undefined => {
    try {
      return fn();
    } catch (error) {
      options.onError?.(error);
      return undefined;
    }
  };

  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    for (const exchange of [...open]) {
      if (nowMs - (exchange.unreadSinceMs ?? nowMs) >= exchangeIdleMs) exchange.leave();
    }
    conversations.sweep();
    if (open.size > 0 || conversations.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };

  const watch = (): void => {
    timer ??= setInterval(() => void guard(sweep), sweepMs).unref();
  };

  return {
    recorder,
    limits,
    conversations,
    guard,
    sweep,
    mayConcern: (isListed) =>
      recorder.recording &&
      (isListed || recorder.currentStep()?.kind === 'model' || expectedExchanges().isInFlow() || isGoverned(recorder)),
    begin(request, { isListed, isEverything }) {
      if (!recorder.recording) return null;
      const place = findPlace(rules, request, isListed, isEverything);
      if (place === null) return null;
      const exchange = createExchange({ request, place, clock, limits, onEnd: (ended) => void open.delete(ended) });
      open.add(exchange);
      watch();
      return exchange;
    },
    closeAll() {
      for (const exchange of [...open]) guard(() => exchange.leave());
      guard(() => conversations.closeAll());
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}

const ledgerByRecorder = new WeakMap<Recorder, Ledger>();

/** The ledger of a recorder: one for all layers, so that conversations and retries join across them. */
export function ledgerOf(recorder: Recorder, options: LedgerOptions = {}): Ledger {
  let ledger = ledgerByRecorder.get(recorder);
  if (ledger === undefined) {
    ledger = createLedger(recorder, options);
    ledgerByRecorder.set(recorder, ledger);
    const { closeAll, guard } = ledger;
    guard(() => recorder.onClose(closeAll));
  }
  return ledger;
}
