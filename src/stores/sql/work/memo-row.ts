import type { Memo } from '../../../core/work/memo.ts';
import { memoKinds, memoStatuses } from '../../../core/work/memo.ts';
import type { Signal } from '../../../core/work/work.ts';
import { bytesToHex, cellToBytes, cellToNumber, cellToText, hexToBytes, type SqlRow, type SqlValue } from '../value.ts';

/** Columns of a memo in the order of `memoToCells`. */
export const memoColumns = [
  'run_id',
  'name',
  'occurrence',
  'kind',
  'input_digest',
  'status',
  'sequence',
  'step_id',
  'lease_epoch',
  'handler_version',
  'sealed',
] as const;

/** A memo as its columns hold it, in their order. */
export function memoToCells(memo: Memo): SqlValue[] {
  const { runId, name, occurrence, kind, inputDigest, status, sequence, stepId } = memo;
  return [
    runId,
    name,
    occurrence,
    kind,
    hexToBytes(inputDigest),
    status,
    sequence,
    stepId,
    memo.leaseEpoch,
    memo.handlerVersion,
    memo.sealed,
  ];
}

/** A memo from its row. What cannot be read of it is taken for what promises least: a step in doubt. */
export function rowToMemo(row: SqlRow): Memo {
  const sealed = row['sealed'] ?? null;
  return {
    runId: row['run_id'] as string,
    name: cellToText(row['name']) ?? '',
    occurrence: cellToNumber(row['occurrence']) ?? 0,
    kind: memoKinds.find((kind) => kind === row['kind']) ?? 'step',
    inputDigest: bytesToHex(row['input_digest']),
    status: memoStatuses.find((status) => status === row['status']) ?? 'in_doubt',
    sequence: cellToNumber(row['sequence']) ?? 0,
    stepId: cellToText(row['step_id']),
    leaseEpoch: cellToNumber(row['lease_epoch']) ?? 0,
    handlerVersion: cellToText(row['handler_version']),
    sealed: sealed === null ? null : cellToBytes(sealed),
  };
}

/** A signal from its row. */
export function rowToSignal(row: SqlRow): Signal {
  return {
    id: cellToText(row['id']) ?? '',
    runId: row['run_id'] as string,
    name: cellToText(row['name']) ?? '',
    sealed: cellToBytes(row['sealed']),
    sentAtMs: cellToNumber(row['sent_at_ms']) ?? 0,
  };
}
