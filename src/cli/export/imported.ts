import type { RunOrigin } from '../../core/run-file/writer.ts';
import type { Seal } from '../../core/record/seal.ts';
import type { StoreReader } from '../../core/store.ts';
import { isSealTrusted } from '../../core/verify/seals.ts';
import type { Verdict } from '../../core/verify/verdict.ts';
import type { Trust } from '../../core/verify/verify.ts';
import { verifyStoredRun } from '../../core/verify/verify.ts';

type Run = { readonly projectId: string; readonly runId: string };

/** The store as if the seals of a run's origin were its own. */
function withSeals(store: StoreReader, runId: string, seals: readonly Seal[]): StoreReader {
  return {
    ...store,
    listSeals: async (projectId, asked) => (asked === runId ? seals : store.listSeals(projectId, asked)),
  };
}

/** True when this home's seals cover all that it has of the run. */
async function isCovered(store: StoreReader, run: Run, own: readonly Seal[]): Promise<boolean> {
  const heads = await store.listWriters(run.projectId, run.runId);
  return heads.every(({ writerId, n }) =>
    own.some((seal) => seal.writers.some((writer) => writer.writerId === writerId && writer.count >= n)),
  );
}

/**
 * Verifies a run that came from elsewhere: by the seals of its origin, under the keys they name, and by the seal that
 * this home put on it when it came. Without the second, whoever can write to the store could pass off any record as
 * imported.
 */
export async function verifyImported(
  store: StoreReader,
  run: Run,
  trust: Trust & { readonly origin: RunOrigin },
): Promise<Verdict> {
  const own = await store.listSeals(run.projectId, run.runId);
  const both = withSeals(store, run.runId, [...trust.origin.seals, ...own]);
  const verdict = await verifyStoredRun(both, run, { publicKey: null, head: trust.head });
  const { intact } = verdict;
  if (intact.verdict !== 'intact' && intact.verdict !== 'unsealed') return verdict;
  const strange = own.find((seal) => !isSealTrusted(seal, trust.publicKey));
  if (strange !== undefined) {
    const message = `Seal ${strange.number} is signed by key ${strange.publicKey.slice(0, 16)}…, not by this store's key.`;
    return { ...verdict, intact: { ...intact, verdict: 'bad-signature', message } };
  }
  if (await isCovered(store, run, own)) return verdict;
  const message = 'The seals of its origin verify, but this home has not sealed what it took in yet.';
  return { ...verdict, intact: { ...intact, verdict: 'unsealed', message } };
}
