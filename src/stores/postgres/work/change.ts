import { TachographError } from '../../../core/error.ts';
import type { Memo } from '../../../core/work/memo.ts';
import { toDueAtMs } from '../../../core/work/transition.ts';
import type { BroughtLists, CreationAnswer, WorkChange, WorkCreation } from '../../../core/work/work.ts';
import { bytesToHex, flag, hexToBytes, type SqlRow, type SqlValue } from '../../sql/value.ts';
import { entriesToFrame } from '../../sql/work/entry-frame.ts';
import { memoToCells } from '../../sql/work/memo-row.ts';
import { stateToCells, workToCells } from '../../sql/work/work-row.ts';
import { contentsToInsert, nodesToInsert, shareContents } from '../contents.ts';
import type { Cell } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { toName } from '../driver/run-row.ts';
import { givenOfMemos, givenToChange, givenToCreate } from '../migration/work-functions.ts';
import { callOf, rowsToLists } from './place.ts';

/** An item and its place in what was given. */
export type Placed<T> = readonly [item: T, at: number];

/** Items with their places in an order that all transactions take locks in. */
export function inOrder<T>(items: readonly T[], keyOf: (item: T) => string): Placed<T>[] {
  const placed = items.map((item, at): Placed<T> => [item, at]);
  return placed.length === 1
    ? placed
    : placed.toSorted(([a, at], [b, bt]) => {
        const [one, other] = [keyOf(a), keyOf(b)];
        return one < other ? -1 : one > other ? 1 : at - bt;
      });
}

function creationToCells({ row, keyDigest, sealed, entries }: WorkCreation): SqlValue[] {
  const key = keyDigest === null ? null : hexToBytes(keyDigest);
  return [...workToCells(row), toDueAtMs(row), key, sealed, entries[0]?.epoch ?? null, entriesToFrame(entries)];
}

/** Creations as one statement, and their answers in the given order; `null` for one whose winner has gone meanwhile. */
export function creationStatement(creations: readonly WorkCreation[]): {
  readonly statement: Statement;
  readonly read: (rows: readonly SqlRow[]) => (CreationAnswer | null)[];
} {
  const placed = inOrder(creations, ({ keyDigest, row }) => keyDigest ?? row.runId);
  const values = rowsToLists(
    givenToCreate,
    placed.map(([creation]) => creationToCells(creation)),
  );
  return {
    statement: { sql: callOf('work_create', values), values },
    read(rows) {
      const answers: (CreationAnswer | null)[] = creations.map(() => null);
      for (const row of rows) {
        const [, at] = placed[(row['place'] as number) - 1]!;
        answers[at] = {
          runId: row['winner'] as string,
          duplicate: row['is_new'] !== 1,
          inputDigest: bytesToHex(row['digest']),
        };
      }
      return answers;
    },
  };
}

/** The answers of creations that all have one. */
export function checkAnswers(answers: readonly (CreationAnswer | null)[]): readonly CreationAnswer[] {
  if (answers.every((answer) => answer !== null)) return answers;
  throw new TachographError(
    'store-busy',
    'A run that had the key of a new one was removed while the new one was created; create it again.',
  );
}

/** Statements that store contents and nodes, before the call that needs them. */
export function broughtToInsert({ contents, nodes }: BroughtLists): Statement[] {
  if (contents.length + nodes.length === 0) return [];
  return [shareContents, contentsToInsert(contents), nodesToInsert(nodes)].filter((statement) => statement !== null);
}

function changeToCells({ runId, expected, next, entries }: WorkChange): SqlValue[] {
  const { state, leaseEpoch, isHeld } = expected;
  const frame = entriesToFrame(entries);
  return [
    runId,
    state,
    leaseEpoch,
    flag(isHeld),
    ...stateToCells(next),
    toDueAtMs(next),
    entries[0]?.epoch ?? null,
    frame,
  ];
}

/** Memos as a function is given them, each with the place of the change, or of the lease, that brings it. */
export function memosToLists(memosOfEach: readonly (readonly Memo[])[]): Cell[] {
  const rows = memosOfEach.flatMap((memos, index) =>
    memos.map((memo) => [index + 1, toName(memo.name), ...memoToCells(memo)]),
  );
  return rowsToLists(givenOfMemos, rows);
}

/** Changes as one call, made one after the other, and which of them were made. */
export function changeStatement(changes: readonly WorkChange[]): {
  readonly statement: Statement;
  readonly read: (rows: readonly SqlRow[]) => boolean[];
} {
  const placed = inOrder(changes, ({ runId }) => runId);
  const values = [
    ...rowsToLists(
      givenToChange,
      placed.map(([change]) => changeToCells(change)),
    ),
    ...memosToLists(placed.map(([change]) => change.memos ?? [])),
  ];
  return {
    statement: { sql: callOf('work_change', values), values },
    read(rows) {
      const made = changes.map(() => false);
      for (const row of rows) made[placed[(row['work_change'] as number) - 1]![1]] = true;
      return made;
    },
  };
}
