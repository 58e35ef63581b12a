import assert from 'node:assert/strict';
import { TachographError } from '../../core/error.ts';
import type { JournalEntry } from '../../core/journal.ts';
import type { BudgetLedger, ReserveOrder } from '../../core/work/budget-ledger.ts';
import { refusalToError } from '../../core/work/budget/admission.ts';
import type { BudgetEntry } from '../../core/work/budget/entry.ts';
import type { Amount, BudgetLayer, BudgetLimit } from '../../core/work/budget/limit.ts';
import type { TestApi } from '../store-suite.ts';
import { createWorld } from '../world.ts';

/** A ledger under test, with the clock that the case sets. */
export interface BudgetStage {
  readonly ledger: BudgetLedger;
  /** Types of the events that were written with the ledger's entries, in order. */
  written(projectId: string): Promise<readonly string[]> | readonly string[];
  close(): Promise<void>;
}

/** Opens an empty ledger that goes by this clock. */
export type OpenBudgetStage = (nowMs: () => number) => Promise<BudgetStage>;

const noon = Date.UTC(2026, 10, 21, 12);
const dayMs = 24 * 3600 * 1000;
const project = 'shop';
const caller = 'c'.repeat(64);

interface Case {
  readonly ledger: BudgetLedger;
  readonly stage: BudgetStage;
  nowMs: number;
  reserve(more?: Partial<ReserveOrder>, projectId?: string): Promise<string>;
  settle(id: string, spent: Amount, projectId?: string): Promise<boolean>;
  limit(layer: BudgetLayer, max: Partial<BudgetLimit>, projectId?: string): Promise<void>;
  used(layer: BudgetLayer): Promise<readonly [nanoUsd: number, tokens: number]>;
}

const spender = { runId: '00000000-0000-7000-8000-00000000000a', agentId: 'support', caller };
const of = (nanoUsd: number | null, tokens = 0): Amount => ({ nanoUsd, tokens });

/** An event to be written with an entry: any of some run's. */
function anyEvent(): JournalEntry {
  return createWorld()
    .run()
    .step({ messages: ['x'] })
    .end()
    .take()[0]!;
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  const error: unknown = await work().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TachographError, `no error of ours: ${String(error)}`);
  return error.code;
}

/** The rules that every ledger keeps, as tests. */
export function describeBudgets(name: string, open: OpenBudgetStage, { describe, it }: TestApi): void {
  const withCase = (body: (at: Case) => Promise<void>) => async (): Promise<void> => {
    let ids = 0;
    let nowMs = noon;
    const stage = await open(() => nowMs);
    const { ledger } = stage;
    const at: Case = {
      ledger,
      stage,
      get nowMs() {
        return nowMs;
      },
      set nowMs(value) {
        nowMs = value;
      },
      async reserve(more = {}, projectId = project) {
        ids += 1;
        const reservationId = `00000000-0000-7000-8000-${String(ids).padStart(12, '0')}`;
        const order = {
          ...spender,
          rootRunId: spender.runId,
          reservationId,
          stepId: null,
          amount: of(1),
          holdMs: 60_000,
          entries: [],
          ...more,
        };
        const { refusal } = await ledger.reserve(projectId, order);
        if (refusal !== null) throw refusalToError(refusal);
        return reservationId;
      },
      settle: (reservationId, spent, projectId = project) =>
        ledger.settle(projectId, { reservationId, spent, entries: [] }),
      limit: (layer, max, projectId = project) => {
        const isWide = layer === 'platform' || layer === 'project';
        return ledger.putLimit(layer === 'platform' ? null : projectId, {
          ...{ layer, scope: isWide ? '' : '*', nanoUsdMax: null, tokensMax: null },
          ...max,
        });
      },
      async used(layer) {
        const standings = await ledger.balance(project, spender);
        const { used } = standings.find(({ limit }) => limit.layer === layer)!;
        return [used.nanoUsd, used.tokens];
      },
    };
    try {
      await body(at);
    } finally {
      await stage.close();
    }
  };

  describe(`budget ledger: ${name}`, () => {
    it(
      'admits exactly 7 of 50 parallel calls on a budget for 7',
      withCase(async ({ ledger, limit, reserve, used }) => {
        await limit('project', { nanoUsdMax: 7 });
        const codes = await Promise.all(
          Array.from({ length: 50 }, () =>
            reserve().then(
              () => 'admitted',
              (error: TachographError) => error.code,
            ),
          ),
        );
        assert.equal(codes.filter((code) => code === 'admitted').length, 7);
        assert.equal(codes.filter((code) => code === 'E-BUDGET-001').length, 43);
        assert.deepEqual(await used('project'), [7, 0]);
        assert.equal((await ledger.listEntries(project, {}, {})).items.length, 7);
      }),
    );

    it(
      'admits exactly 7 over all projects on a budget of the platform for 7',
      withCase(async ({ ledger, limit, reserve }) => {
        await limit('platform', { tokensMax: 7 });
        const codes = await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            reserve({ amount: of(null, 1) }, `project-${index % 3}`).then(
              () => 'admitted',
              (error: TachographError) => error.code,
            ),
          ),
        );
        assert.equal(codes.filter((code) => code === 'admitted').length, 7);
        assert.equal(codes.filter((code) => code === 'E-BUDGET-002').length, 23);
        assert.deepEqual((await ledger.platformBalance())?.used, { nanoUsd: 0, tokens: 7 });
      }),
    );

    it(
      'asks the layers in order, and the first that has no room gives its code',
      withCase(async ({ ledger, limit, reserve }) => {
        await reserve();
        const layers = ['run', 'caller', 'agent', 'project', 'platform'] as const;
        const codes: string[] = [];
        for (const layer of layers) {
          await limit(layer, { nanoUsdMax: 1 });
          codes.push(await codeOf(() => reserve()));
        }
        await ledger.setStop(null, true);
        codes.push(await codeOf(() => reserve({ amount: of(0) })));
        assert.deepEqual(codes, [
          'E-BUDGET-004',
          'E-BUDGET-005',
          'E-BUDGET-006',
          'E-BUDGET-001',
          'E-BUDGET-002',
          'E-BUDGET-003',
        ]);
        assert.equal((await ledger.listEntries(project, {}, {})).items.length, 1);
      }),
    );

    it(
      'an own limit takes the place of that for each, and one that is taken away binds no more',
      withCase(async ({ ledger, limit, reserve }) => {
        await limit('agent', { nanoUsdMax: 1 });
        await limit('agent', { scope: 'support', nanoUsdMax: 3 });
        await reserve({ amount: of(3) });
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-006');
        await reserve({ agentId: 'other' });
        assert.equal(await codeOf(() => reserve({ agentId: 'other' })), 'E-BUDGET-006');
        await limit('agent', { scope: 'support' });
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-006');
        await limit('agent', {});
        await reserve({ amount: of(1000) });
        assert.deepEqual(await ledger.listLimits(project), []);
        assert.equal(await codeOf(() => limit('agent', { scope: '', tokensMax: 1 })), 'bad-argument');
        assert.equal(await codeOf(() => limit('run', { tokensMax: -1 })), 'bad-argument');
      }),
    );

    it(
      'settles what was spent, once, also more than was reserved, and takes back what was not',
      withCase(async ({ ledger, limit, reserve, settle, used }) => {
        await limit('run', { nanoUsdMax: 100, tokensMax: 100 });
        const [a, b, c] = [
          await reserve({ amount: of(10, 10) }),
          await reserve({ amount: of(20, 20) }),
          await reserve(),
        ];
        assert.deepEqual(await used('run'), [31, 30]);
        assert.deepEqual([await settle(a, of(4, 5)), await settle(a, of(9, 9))], [true, false]);
        assert.equal(await settle(b, of(35, 40)), true);
        const release = () => ledger.release(project, { reservationId: c, entries: [] });
        assert.deepEqual([await release(), await release(), await settle(c, of(1, 1))], [true, false, false]);
        assert.deepEqual(await used('run'), [39, 45]);
        assert.equal(await settle('00000000-0000-7000-8000-ffffffffffff', of(1, 1)), false);
        assert.equal(await settle(await reserve({ amount: of(7, 1) }), of(null, 1)), true);
        assert.deepEqual(await used('run'), [46, 46]);
      }),
    );

    it(
      'a reservation of a process that died expires once, and what it spent is settled when it is told late',
      withCase(async (at) => {
        const { ledger, limit, reserve, settle, used } = at;
        await limit('project', { nanoUsdMax: 10 });
        const id = await reserve({ amount: of(10), holdMs: 1000 });
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-001');
        const told: string[] = [];
        const expire = () =>
          ledger.expire(10, (entry: BudgetEntry, projectId) => {
            told.push(`${projectId} ${entry.kind} ${entry.reservationId === id}`);
            return [];
          });
        at.nowMs += 999;
        assert.equal(await expire(), 0);
        at.nowMs += 1;
        const counts = await Promise.all([expire(), expire(), expire()]);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          1,
        );
        assert.deepEqual(told, ['shop expire true']);
        assert.deepEqual(await used('project'), [0, 0]);
        await reserve({ amount: of(4) });
        assert.deepEqual([await settle(id, of(8)), await settle(id, of(8))], [true, false]);
        assert.deepEqual(await used('project'), [12, 0]);
        assert.equal(await expire(), 0);
      }),
    );

    it(
      'days are UTC days, and a reservation counts for the day on which it was made',
      withCase(async (at) => {
        const { limit, reserve, settle, used } = at;
        await limit('project', { nanoUsdMax: 5 });
        await limit('agent', { nanoUsdMax: 5 });
        at.nowMs = Date.UTC(2026, 10, 21, 23, 59, 59, 999);
        const id = await reserve({ amount: of(5) });
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-001');
        at.nowMs += 1;
        assert.deepEqual(
          [await used('project'), await used('agent')],
          [
            [0, 0],
            [0, 0],
          ],
        );
        await settle(id, of(3));
        assert.deepEqual(await used('project'), [0, 0]);
        await reserve({ amount: of(5) });
      }),
    );

    it(
      'a caller has seven days that roll, to the millisecond, and is known by a digest',
      withCase(async (at) => {
        const { limit, reserve, used } = at;
        await limit('caller', { nanoUsdMax: 5 });
        await reserve({ amount: of(5) });
        at.nowMs = noon + 7 * dayMs - 1;
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-005');
        await reserve({ caller: 'd'.repeat(64) });
        await reserve({ caller: null, amount: of(100) });
        at.nowMs += 1;
        assert.deepEqual(await used('caller'), [0, 0]);
        await reserve({ amount: of(5) });
      }),
    );

    it(
      'the emergency stop of a project or of the platform stops every call, and is taken back',
      withCase(async ({ ledger, reserve }) => {
        await ledger.setStop(project, true);
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-003');
        await reserve({}, 'other');
        assert.deepEqual(await ledger.stops('other'), { platform: false, project: false });
        await ledger.setStop(null, true);
        await ledger.setStop(null, true);
        assert.equal(await codeOf(() => reserve({}, 'other')), 'E-BUDGET-003');
        await ledger.setStop(project, false);
        assert.deepEqual(await ledger.stops(project), { platform: true, project: false });
        await ledger.setStop(null, false);
        await reserve();
      }),
    );

    it(
      'what has no price is refused where the limit is in money, and counted in tokens',
      withCase(async ({ limit, reserve, used, settle }) => {
        await limit('run', { tokensMax: 100 });
        const id = await reserve({ amount: of(null, 10) });
        assert.equal(await settle(id, of(null, 12)), true);
        assert.deepEqual(await used('run'), [0, 12]);
        await limit('project', { nanoUsdMax: 100 });
        assert.equal(await codeOf(() => reserve({ amount: of(null, 1) })), 'E-BUDGET-001');
        await reserve({ amount: of(0, 0) });
        assert.equal(await codeOf(() => reserve({ amount: of(1.5, 0) })), 'bad-argument');
      }),
    );

    it(
      'tells 0.80, 0.95 and 1.00 once per day and limit, to one of those who ask',
      withCase(async (at) => {
        const { ledger, limit, reserve, settle } = at;
        await limit('project', { nanoUsdMax: 100 });
        await limit('platform', { nanoUsdMax: 1000 });
        const told: string[] = [];
        const tell = async (): Promise<void> => {
          const claimed = await Promise.all([ledger.claimAlerts(10, 1000), ledger.claimAlerts(10, 1000)]);
          for (const alert of claimed.flat()) {
            told.push(`${alert.layer} ${alert.threshold} ${alert.day} ${alert.used.nanoUsd}`);
            await ledger.markAlertSent(alert);
          }
        };
        for (const spent of [79, 1, 14]) {
          await settle(await reserve({ amount: of(spent) }), of(spent));
          await tell();
        }
        assert.deepEqual(told, ['project 0.8 2026-11-21 80']);
        await settle(await reserve({ amount: of(2) }), of(2));
        await tell();
        assert.deepEqual(told.splice(0), ['project 0.8 2026-11-21 80', 'project 0.95 2026-11-21 96']);
        assert.equal(await codeOf(() => reserve({ amount: of(5) })), 'E-BUDGET-001');
        assert.equal(await codeOf(() => reserve({ amount: of(5) })), 'E-BUDGET-001');
        await tell();
        assert.deepEqual(told.splice(0), ['project 1 2026-11-21 96']);
        for (const id of ['a', 'b']) await settle(await reserve({ amount: of(400) }, id), of(425), id);
        await tell();
        assert.deepEqual(told.splice(0), ['platform 0.8 2026-11-21 946']);
        at.nowMs += dayMs;
        await settle(await reserve({ amount: of(90) }), of(90));
        await tell();
        assert.deepEqual(told, ['project 0.8 2026-11-22 90']);
      }),
    );

    it(
      'an alert that was taken and not sent is given out again',
      withCase(async (at) => {
        const { ledger, limit, reserve } = at;
        await limit('run', { nanoUsdMax: 0 });
        assert.equal(await codeOf(() => reserve()), 'E-BUDGET-004');
        const [first, ...others] = await ledger.claimAlerts(1, 1000);
        assert.deepEqual([first?.projectId, first?.scope, others.length], [project, spender.runId, 0]);
        await ledger.claimAlerts(10, 1000);
        at.nowMs += 999;
        assert.deepEqual(await ledger.claimAlerts(10, 1000), []);
        at.nowMs += 1;
        assert.equal(
          (await ledger.claimAlerts(10, 1000)).some(({ id }) => id === first?.id),
          true,
        );
      }),
    );

    it(
      'writes the events that tell of an entry with it, and none of an order that is refused',
      withCase(async ({ ledger, stage, limit, reserve }) => {
        await limit('run', { nanoUsdMax: 1 });
        const event = anyEvent();
        const id = await reserve({ entries: [event] });
        assert.equal(await codeOf(() => reserve({ entries: [anyEvent()] })), 'E-BUDGET-004');
        const end = { reservationId: id, entries: [anyEvent()] };
        await ledger.release(project, end);
        await ledger.release(project, { reservationId: id, entries: [anyEvent()] });
        assert.deepEqual(await stage.written(project), ['run-create', 'run-create']);
      }),
    );

    it(
      'lists entries newest first, page by page, each project its own',
      withCase(async (at) => {
        const { ledger, reserve, settle } = at;
        const ids: string[] = [];
        for (let index = 0; index < 5; index += 1) {
          ids.push(await reserve({ amount: of(index + 1, 2), stepId: ids.length === 0 ? spender.runId : null }));
          at.nowMs += 1;
        }
        await settle(ids[0]!, of(7, 9));
        const first = await ledger.listEntries(project, {}, { limit: 4 });
        const second = await ledger.listEntries(project, {}, { limit: 4, cursor: first.nextCursor! });
        const all = [...first.items, ...second.items];
        assert.deepEqual(
          all.map(({ kind, reservationId }) => `${kind} ${ids.indexOf(reservationId)}`),
          ['settle 0', 'reserve 4', 'reserve 3', 'reserve 2', 'reserve 1', 'reserve 0'],
        );
        assert.equal(second.nextCursor, null);
        assert.deepEqual(all[0], {
          ...spender,
          rootRunId: spender.runId,
          ...{ reservationId: ids[0], kind: 'settle', stepId: spender.runId, atMs: noon + 5, countsAtMs: noon },
          amount: of(6, 7),
        });
        assert.equal((await ledger.listEntries(project, { reservationId: ids[0]! }, {})).items.length, 2);
        assert.equal((await ledger.listEntries(project, { sinceMs: noon + 4 }, {})).items.length, 2);
        assert.equal((await ledger.listEntries(project, { runId: 'none' }, {})).items.length, 0);
        assert.equal((await ledger.listEntries('other', {}, {})).items.length, 0);
        assert.equal(await settle(ids[1]!, of(1), 'other'), false);
      }),
    );
  });
}
