import { describe, expect, it } from 'vitest';
import { exportRun, sealRun, seedOf } from '../../../test/run-file/sealed.ts';
import { recordScenario } from '../../../test/server/scenario.ts';
import { createStage } from '../../../test/server/stage.ts';
import { verifyRunFile } from '../../core/run-file/reader.ts';
import { createRunFileSigner, keyToFingerprint } from '../../core/run-file/signature.ts';
import { writeRunFile } from '../../core/run-file/writer.ts';
import type { Store } from '../../core/store.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { Problem, RunSeals } from '../wire.ts';

function exporterOf(store: Store) {
  const signer = createRunFileSigner(seedOf(1));
  return {
    runFile: (projectId: string, runId: string) => writeRunFile({ store, projectId, runId, signer }),
    page: async (_projectId: string, runId: string) => `<!doctype html><p>${runId}`,
  };
}

describe('GET /api/v1/runs/{id}/export', () => {
  it('gives a run file that proves itself, a page, and plain JSON, each under its name', async () => {
    const store = createMemoryStore();
    const stage = await createStage({ store, exporter: exporterOf(store) });
    const { runId } = await recordScenario(stage);
    await sealRun(store, runId);
    const response = await stage.get(`/api/v1/runs/${runId}/export`);
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="run-${runId}.tgr"`);
    expect(response.headers.get('content-type')).toBe('application/vnd.tachograph.run');
    const file = Buffer.from(await response.arrayBuffer());
    expect((await verifyRunFile([file], { name: 'run' })).verdict.intact.verdict).toBe('intact');
    const page = await stage.get(`/api/v1/runs/${runId}/export?format=html`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('content-disposition')).toContain('attachment');
    const plain = await stage.json<{
      runs: { steps: { context: { newFrom: number; messages: { index: number }[] } | null }[] }[];
    }>(`/api/v1/runs/${runId}/export?format=json`);
    expect(plain).toMatchObject({ version: 1, scope: 'run', failed: [], cut: false });
    const contexts = plain.runs[0]!.steps.flatMap(({ context }) => (context === null ? [] : [context]));
    expect(contexts.length).toBeGreaterThan(1);
    for (const { newFrom, messages } of contexts) expect(messages[0]?.index ?? newFrom).toBe(newFrom);
    expect(stage.errors).toEqual([]);
  });

  it('lists the runs of a session that cannot be read, and writes the others', async () => {
    const store = createMemoryStore();
    const stage = await createStage({
      store: {
        ...store,
        getRun: (projectId, runId) =>
          runId === broken ? Promise.reject(new Error('secret detail')) : store.getRun(projectId, runId),
      },
    });
    let broken = '';
    const ids = ['one', 'two', 'three'].map((agentId) => {
      const run = stage.recorder.startRun({ agentId, sessionId: 'talk' });
      run.close({ endReason: 'ok' });
      return run.id;
    });
    await stage.publish();
    broken = ids[1]!;
    const text = await (await stage.get(`/api/v1/runs/${ids[0]}/export?format=json&scope=session`)).text();
    const plain = JSON.parse(text) as { runs: { run: { id: string } }[]; failed: unknown[] };
    expect(plain.runs.map(({ run }) => run.id)).toEqual([ids[0], ids[2]]);
    expect(plain.failed).toEqual([{ runId: broken, code: 'internal', message: 'The run could not be read.' }]);
    expect(text).not.toContain('secret detail');
  });

  it('says what is not there and what is not offered', async () => {
    const stage = await createStage();
    const { runId } = await recordScenario(stage);
    const code = async (path: string): Promise<string> => ((await (await stage.get(path)).json()) as Problem).code;
    expect(await code(`/api/v1/runs/${runId}/export`)).toBe('not-offered');
    expect(await code('/api/v1/runs/01a1fd4e-3103-73d7-9b2f-f470c4d3d434/export?format=json')).toBe('run-not-found');
    expect(await code(`/api/v1/runs/${runId}/export?format=xml`)).toBe('bad-argument');
    expect(await code(`/api/v1/runs/${runId}/export?scope=project`)).toBe('bad-argument');
  });
});

describe('GET /api/v1/runs/{id}/seals', () => {
  it('lists seals with fingerprints, those of an origin first', async () => {
    const store = createMemoryStore();
    const elsewhere = createMemoryStore();
    await elsewhere.initialize();
    const stage = await createStage({ store, originOf: () => origin });
    const { runId } = await recordScenario(stage);
    const seal = await sealRun(store, runId, 2);
    const { seals, closing } = await verifyRunFile([await exportRun(store, runId, { byte: 2 })], { name: 'run' });
    const origin = { projectId: 'elsewhere', seals, closing: closing! };
    const answer = await stage.json<RunSeals>(`/api/v1/runs/${runId}/seals`);
    expect(answer.origin).toEqual({ projectId: 'elsewhere', fingerprint: keyToFingerprint(seal.publicKey) });
    expect(answer.seals.map(({ from }) => from)).toEqual(['origin', 'here']);
    expect(answer.seals[1]).toMatchObject({ number: 1, publicKey: seal.publicKey, erased: 0 });
    expect(answer.seals[1]!.events).toBe((await store.getRun('default', runId)).counts.events);
  });
});
