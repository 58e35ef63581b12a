import { zeroHash } from '../../src/core/record/chain.ts';
import type { JournalEntry } from '../../src/core/journal.ts';
import type { Seal } from '../../src/core/record/seal.ts';
import type { RunOrigin } from '../../src/core/run-file/writer.ts';
import { writeRunFile } from '../../src/core/run-file/writer.ts';
import { createRunFileSigner } from '../../src/core/run-file/signature.ts';
import type { Store } from '../../src/core/store.ts';
import { createSealSigner, firstPrevious, sealToDigest } from '../../src/core/verify/seals.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { createWorld, toBatch } from '../../src/testing/index.ts';

/** A key of a test: the same byte 32 times. */
export function seedOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** Seals all that a store has of a run, under the key of a byte. */
export async function sealRun(store: Store, runId: string, byte = 1, projectId = 'default'): Promise<Seal> {
  const last = await store.lastSeal(projectId);
  const heads = await store.listWriters(projectId, runId);
  const seal = createSealSigner(seedOf(byte)).sign({
    projectId,
    runId,
    number: (last?.number ?? 0) + 1,
    writers: heads.map(({ writerId, n, hash }) => ({
      writerId,
      count: n,
      head: Buffer.from(hash ?? zeroHash).toString('hex'),
      erased: 0,
    })),
    timeMs: 1_700_000_000_000,
    previous: last === null ? firstPrevious : sealToDigest(last),
  });
  await store.appendSeals(projectId, [seal]);
  return seal;
}

/** A store with one run in it: model steps whose conversation grows, tools, an odd text here and there; ended, not sealed. */
export async function storeWithRun(
  steps: number,
): Promise<{ store: Store; runId: string; entries: readonly JournalEntry[] }> {
  const store = createMemoryStore();
  await store.initialize();
  const run = createWorld().run({ agentId: 'agent', name: '</script><!--\u2028', labels: { 'a"b': '\\u003c' } });
  const messages: unknown[] = [{ role: 'system', content: 'Be brief.\n\ttab "quoted" \\ 🜂 \ufffd' }];
  for (let step = 0; step < steps; step += 1) {
    messages.push({ role: 'user', content: `question ${step}` });
    run.step({ messages: [...messages], output: [{ type: 'text', text: `answer ${step}` }], body: { step } });
    run.step({ kind: 'tool', name: 'lookup', args: { step }, result: { found: step % 3 } });
  }
  run.end('ok', { output: 'done' });
  await store.importBatch(toBatch(run.entries));
  return { store, runId: run.id, entries: run.entries };
}

/** The run file of a run, signed with the key of a byte. */
export async function exportRun(
  store: Store,
  runId: string,
  options: { byte?: number; origin?: RunOrigin } = {},
): Promise<Buffer> {
  const { byte = 1, origin = null } = options;
  const source = { store, projectId: 'default', runId, signer: createRunFileSigner(seedOf(byte)), origin };
  const lines: string[] = [];
  for await (const line of writeRunFile(source)) lines.push(line);
  return Buffer.from(lines.join(''));
}
