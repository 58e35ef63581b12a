import type { AttemptView } from '../../core/model/attempt.ts';
import { packBytes, unpackBlock } from './block.ts';
import type { SqlRow } from './value.ts';
import { cellToId, parseStored } from './value.ts';
import { rowToAttempt } from './view-row.ts';

interface PackedAttempt {
  readonly stepId: string;
  readonly number: number;
  readonly startedAtMs: number;
  readonly view: string;
}

/** Packs rows of attempts of one run. */
export function attemptsToPack(rows: readonly SqlRow[]): Uint8Array {
  const attempts = rows.map((row) => ({
    stepId: cellToId(row['step_id']!),
    number: row['number'],
    startedAtMs: row['started_at_ms'],
    view: row['view'],
  }));
  return packBytes(Buffer.from(JSON.stringify(attempts)));
}

/** The attempts of a pack; a pack that cannot be read has attempts that nobody can name, so none. */
export function packToAttempts(runId: string, packed: Uint8Array): AttemptView[] {
  const text = unpackBlock(packed);
  const attempts: unknown = text === null ? [] : parseStored(Buffer.from(text).toString());
  if (!Array.isArray(attempts)) return [];
  return (attempts as readonly Partial<PackedAttempt>[])
    .filter((attempt) => typeof attempt === 'object' && attempt !== null)
    .map(({ stepId, number, startedAtMs, view }) =>
      rowToAttempt({
        run_id: runId,
        step_id: stepId ?? null,
        number: number ?? null,
        started_at_ms: startedAtMs ?? null,
        view: view ?? null,
      }),
    );
}
