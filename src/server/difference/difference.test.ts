import { expect, test } from 'vitest';
import type { Stage } from '../../../test/server/stage.ts';
import { createStage } from '../../../test/server/stage.ts';
import type { Problem, RunDifference, StepDifference } from '../wire.ts';
import { runDifference, stepDifference } from './schema.ts';

function recordRun(stage: Stage, word: string): string {
  const run = stage.recorder.startRun({ agentId: 'a' });
  const step = run.step({ kind: 'model', operation: 'generate', messages: [{ role: 'user', content: word }] });
  step.finish({ status: 'completed', response: [{ type: 'text', text: 'Yes.' }] });
  run.close({ endReason: 'ok' });
  return run.id;
}

test('two runs are compared, and a row of them word for word, in the shapes the API describes', async () => {
  const stage = await createStage();
  const [a, b] = [recordRun(stage, 'one'), recordRun(stage, 'two')];
  await stage.publish();
  const difference = await stage.json<RunDifference>(`/api/v1/runs/${a}/diff/${b}`);
  expect(runDifference.safeParse(difference).error).toBeUndefined();
  expect(difference).toMatchObject({ isSame: false, firstAt: 0, rows: [{ differs: ['messages'] }] });
  const words = await stage.json<StepDifference>(`/api/v1/runs/${a}/diff/${b}/steps?a=1&b=1`);
  expect(stepDifference.safeParse(words).error).toBeUndefined();
  expect(words.messages!.rows[0]!.changes).toEqual([{ path: 'content', before: 'one', after: 'two' }]);
  expect((await stage.json<RunDifference>(`/api/v1/runs/${a}/diff/${a.slice(0, 36)}`)).isSame).toBe(true);
});

test('what is not there is a problem, on either side', async () => {
  const stage = await createStage();
  const a = recordRun(stage, 'one');
  await stage.publish();
  const codeOf = async (path: string): Promise<unknown> => {
    const response = await stage.get(path);
    return [response.status, ((await response.json()) as Problem).code];
  };
  const gone = '00000000-0000-7000-8000-000000000000';
  expect(await codeOf(`/api/v1/runs/${a}/diff/${gone}`)).toEqual([404, 'run-not-found']);
  expect(await codeOf(`/api/v1/runs/${gone}/diff/${a}`)).toEqual([404, 'run-not-found']);
  expect(await codeOf(`/api/v1/runs/${a}/diff/${a}/steps?a=1&b=7`)).toEqual([404, 'step-not-found']);
  expect(await codeOf(`/api/v1/runs/${a}/diff/${a}/steps?a=0&b=1`)).toEqual([400, 'bad-argument']);
  expect(await codeOf(`/api/v1/runs/${a}/diff/${a}/steps?a=1`)).toEqual([400, 'bad-argument']);
});
