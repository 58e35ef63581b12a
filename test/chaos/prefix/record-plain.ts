// A program that records runs of many shapes, each recorder with a journal of its own, and dies. What its recorders had
// acknowledged, and when, it writes down elsewhere. Told by PREFIX_ORDERS.
import { join } from 'node:path';
import process from 'node:process';
import { openTachograph } from '../../../src/cli/open.ts';
import type { RunRecorder } from '../../../src/core/record/recording.ts';
import { createRandom } from '../../../src/testing/model-cases.ts';
import type { Tape } from './tape.ts';
import { act, begin, createTape, end } from './tape.ts';

/** What it is told. */
export interface PlainOrders {
  readonly home: string;
  readonly seed: number;
  readonly isBuffered: boolean;
}

const orders = JSON.parse(process.env['PREFIX_ORDERS'] ?? '{}') as PlainOrders;
const random = createRandom(orders.seed);
const ledger = join(orders.home, 'ledger');
const tape = (): Tape => createTape({ ...orders, ledger, random });
const acts = 3;

function go(on: Tape, run: RunRecorder, times = acts): void {
  for (let index = 0; index < times; index += 1) act(on, run);
}

/** A run by itself; every third is left as it is. */
function alone(index: number): void {
  const on = tape();
  const run = begin(on, { agentId: `alone ${index % 4}`, labels: { index: String(index) } });
  go(on, run);
  if (index % 3 !== 0) end(on, run, (['ok', 'error', 'cancelled'] as const)[index % 3]!);
}

/** A run within a run, in one file. */
function nested(index: number): void {
  const on = tape();
  const outer = begin(on, { agentId: 'outer' });
  const step = outer.step({ kind: 'phase', name: 'inner' });
  on.tell({ what: 'begin', runId: outer.id, stepId: step.id });
  const inner = begin(on, { agentId: 'inner', parent: outer.ref(step.id) });
  go(on, inner, 2);
  if (index % 2 === 0) end(on, inner, 'ok');
  act(on, outer);
  if (index % 3 === 0) end(on, outer, 'ok');
}

/** A run within a run, each of a recorder of its own. */
function apart(): void {
  const [one, two] = [tape(), tape()];
  const outer = begin(one, { agentId: 'outer' });
  const inner = begin(two, { agentId: 'inner', parent: outer.ref() });
  go(two, inner);
  end(two, inner, 'ok');
  go(one, outer);
  end(one, outer, 'ok');
}

/** A run that two recorders write into. */
function shared(): void {
  const [one, two] = [tape(), tape()];
  const run = begin(one, { agentId: 'shared' });
  const same = two.recorder.startRun({ agentId: 'shared', runId: run.id });
  two.tell({ what: 'run', runId: run.id });
  for (let index = 0; index < 2; index += 1) {
    const word = two.word();
    const step = same.tool({ name: 'theirs', args: { word } });
    two.tell({ what: 'begin', runId: run.id, stepId: step.id, words: word });
    act(one, run);
    step.succeed({ word });
    two.tell({ what: 'end', runId: run.id, stepId: step.id, status: 'completed' });
  }
  end(one, run, 'ok');
}

/** Runs of which the store knows the first half. */
function half(): () => void {
  const on = tape();
  const run = begin(on, { agentId: 'half' });
  go(on, run, 2);
  return () => {
    go(on, run, 2);
    end(on, run, 'ok');
  };
}

/** A run that is erased, with another one in its file that said the same words and goes on afterwards. */
function erased(): { readonly runId: string; readonly goOn: () => void } {
  const on = tape();
  const [gone, other] = [begin(on, { agentId: 'gone' }), begin(on, { agentId: 'other' })];
  go(on, gone, 2);
  go(on, other, 1);
  end(on, gone, 'ok');
  return {
    runId: gone.id,
    goOn() {
      go(on, other, 2);
      end(on, other, 'ok');
    },
  };
}

const halves = Array.from({ length: 6 }, half);
const pairs = Array.from({ length: 2 }, erased);
if (!orders.isBuffered) {
  const home = await openTachograph({ home: orders.home, variables: {} });
  await home.indexer.catchUp();
  for (const { runId } of pairs) await home.indexer.eraseRun('default', runId);
  await home.close();
}
for (const goOn of halves) goOn();
for (const { goOn } of pairs) goOn();
for (let index = 0; index < 12; index += 1) alone(index);
for (let index = 0; index < 5; index += 1) nested(index);
apart();
shared();
process.kill(process.pid, 'SIGKILL');
