import type { JournalEntry } from '../../../core/journal.ts';
import { positionToCursor } from '../../../core/query/cursor.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { BudgetAlert, BudgetLedger, EndOrder } from '../../../core/work/budget-ledger.ts';
import type { Standing } from '../../../core/work/budget/admission.ts';
import type { BudgetEntry } from '../../../core/work/budget/entry.ts';
import { nextRelease } from '../../../core/work/budget/entry.ts';
import type { BindingLimit, BudgetLimit, Spender } from '../../../core/work/budget/limit.ts';
import { limitsOf, spenderToScope, windowStartMs } from '../../../core/work/budget/limit.ts';
import type { LedgerView } from '../../../core/work/budget/plan.ts';
import { checkAmount, checkLimit, checkOrder, planReserve, planSettle } from '../../../core/work/budget/plan.ts';
import type { MemoryWorkParts } from './store.ts';

/** One project's ledger; the platform has limits and a stop only. */
interface BudgetProject {
  limits: BudgetLimit[];
  isStopped: boolean;
  readonly entries: BudgetEntry[];
  readonly expiresAtMsById: Map<string, number>;
}

interface HeldAlert {
  readonly alert: BudgetAlert;
  isSent: boolean;
  claimedUntilMs: number;
}

const byLimit = (a: BudgetLimit, b: BudgetLimit): number =>
  `${a.layer} ${a.scope}` < `${b.layer} ${b.scope}` ? -1 : 1;

/** The ledger in this process's memory: every rule of the other stores, told plainly. */
export function createMemoryBudgets({
  clock,
  use,
  importEntries,
}: Pick<MemoryWorkParts, 'clock' | 'use' | 'importEntries'>): BudgetLedger {
  const projectById = new Map<string, BudgetProject>();
  const alertById = new Map<string, HeldAlert>();
  /** No project has an empty name: that is the platform. */
  const of = (projectId: string | null): BudgetProject => {
    const known = projectById.get(projectId ?? '');
    if (known !== undefined) return known;
    const project = { limits: [], isStopped: false, entries: [], expiresAtMsById: new Map<string, number>() };
    projectById.set(projectId ?? '', project);
    return project;
  };

  const toStanding = (binding: BindingLimit, entries: readonly BudgetEntry[], nowMs: number): Standing => {
    const { layer } = binding.limit;
    const sinceMs = windowStartMs(layer, nowMs);
    const counted = entries.filter(
      (entry) => entry.countsAtMs >= sinceMs && spenderToScope(layer, entry) === binding.scope,
    );
    return {
      ...binding,
      used: {
        nanoUsd: counted.reduce((sum, { amount }) => sum + (amount.nanoUsd ?? 0), 0),
        tokens: counted.reduce((sum, { amount }) => sum + amount.tokens, 0),
      },
    };
  };
  const everything = (): BudgetEntry[] => [...projectById.values()].flatMap(({ entries }) => entries);
  const viewOf = (projectId: string, spender: Spender): LedgerView => {
    const nowMs = clock.nowMs();
    const [platform, project] = [of(null), of(projectId)];
    const standings = [
      ...limitsOf(spender, platform.limits).map((limit) => toStanding(limit, everything(), nowMs)),
      ...limitsOf(spender, project.limits).map((limit) => toStanding(limit, project.entries, nowMs)),
    ];
    return { projectId, nowMs, isStopped: platform.isStopped || project.isStopped, standings };
  };

  const note = (alerts: readonly BudgetAlert[]): void => {
    for (const alert of alerts)
      if (!alertById.has(alert.id)) alertById.set(alert.id, { alert, isSent: false, claimedUntilMs: 0 });
  };
  const close = (projectId: string, entry: BudgetEntry, entries: readonly JournalEntry[]): void => {
    const project = of(projectId);
    project.entries.push(entry);
    project.expiresAtMsById.delete(entry.reservationId);
    importEntries(projectId, entries);
  };
  const entriesOf = (projectId: string, { reservationId }: Pick<EndOrder, 'reservationId'>): BudgetEntry[] =>
    of(projectId).entries.filter((entry) => entry.reservationId === reservationId);

  return {
    reserve: (projectId, order) =>
      use(() => {
        checkOrder(order);
        const plan = planReserve(viewOf(projectId, order), order);
        note(plan.alerts);
        if (plan.entry !== null) {
          close(projectId, plan.entry, order.entries);
          of(projectId).expiresAtMsById.set(order.reservationId, plan.expiresAtMs);
        }
        return { refusal: plan.refusal };
      }),
    settle: (projectId, order) =>
      use(() => {
        checkAmount(order.spent);
        const entries = entriesOf(projectId, order);
        const plan = entries.length === 0 ? null : planSettle(viewOf(projectId, entries[0]!), entries, order.spent);
        if (plan === null) return false;
        close(projectId, plan.entry!, order.entries);
        note(plan.alerts);
        return true;
      }),
    release: (projectId, order) =>
      use(() => {
        const entry = nextRelease(entriesOf(projectId, order), 'release', clock.nowMs());
        if (entry !== null) close(projectId, entry, order.entries);
        return entry !== null;
      }),
    expire: (limit, toEntries) =>
      use(() => {
        const nowMs = clock.nowMs();
        const due = [...projectById]
          .flatMap(([projectId, { expiresAtMsById }]) =>
            [...expiresAtMsById].map(([reservationId, dueAtMs]) => ({ projectId, reservationId, dueAtMs })),
          )
          .filter(({ dueAtMs }) => dueAtMs <= nowMs)
          .sort((a, b) => a.dueAtMs - b.dueAtMs)
          .slice(0, limit);
        for (const { projectId, reservationId } of due) {
          const entry = nextRelease(entriesOf(projectId, { reservationId }), 'expire', nowMs)!;
          close(projectId, entry, toEntries(entry, projectId));
        }
        return due.length;
      }),
    balance: (projectId, spender) =>
      use(() => viewOf(projectId, spender).standings.filter(({ limit }) => limit.layer !== 'platform')),
    platformBalance: () =>
      use(() => {
        const [limit] = of(null).limits;
        return limit === undefined ? null : toStanding({ limit, scope: '' }, everything(), clock.nowMs());
      }),
    listLimits: (projectId) => use(() => [...of(projectId).limits].sort(byLimit)),
    putLimit: (projectId, limit) =>
      use(() => {
        checkLimit(projectId, limit);
        const project = of(projectId);
        const others = project.limits.filter(({ layer, scope }) => layer !== limit.layer || scope !== limit.scope);
        project.limits = limit.nanoUsdMax === null && limit.tokensMax === null ? others : [...others, limit];
      }),
    setStop: (projectId, isStopped) => use(() => void (of(projectId).isStopped = isStopped)),
    stops: (projectId) => use(() => ({ platform: of(null).isStopped, project: of(projectId).isStopped })),
    listEntries: (projectId, filter, page) =>
      use(() => {
        const { after, limit, limitCorrected } = pageToBounds(page);
        const found = of(projectId)
          .entries.map((entry, index) => ({ entry, number: index + 1 }))
          .filter(({ number }) => after === null || number < after.timeMs)
          .filter(({ entry }) => filter.runId === undefined || entry.runId === filter.runId)
          .filter(({ entry }) => filter.reservationId === undefined || entry.reservationId === filter.reservationId)
          .filter(({ entry }) => entry.atMs >= (filter.sinceMs ?? 0))
          .reverse();
        const last = found.length > limit ? found[limit - 1]! : null;
        return {
          items: found.slice(0, limit).map(({ entry }) => entry),
          nextCursor: last === null ? null : positionToCursor({ timeMs: last.number, id: 'entry' }),
          limit,
          limitCorrected,
        };
      }),
    claimAlerts: (limit, claimMs) =>
      use(() => {
        const nowMs = clock.nowMs();
        const free = [...alertById.values()].filter(({ isSent, claimedUntilMs }) => !isSent && claimedUntilMs <= nowMs);
        return free.slice(0, limit).map((held) => {
          held.claimedUntilMs = nowMs + claimMs;
          return held.alert;
        });
      }),
    markAlertSent: ({ id }) =>
      use(() => {
        const held = alertById.get(id);
        if (held !== undefined) held.isSent = true;
      }),
  };
}
