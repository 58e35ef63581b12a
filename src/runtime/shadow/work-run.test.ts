import { afterEach, describe, expect, it } from 'vitest';
import type { ProjectMode } from '../../core/access/project.ts';
import { createProject, nextProject } from '../../core/access/project.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { RegisteredTool } from '../../core/work/agent.ts';
import { readShadowReport } from '../../core/work/shadow/report-reading.ts';
import type { World } from '../world.fixture.ts';
import { openWorld, until } from '../world.fixture.ts';

const project = 'default';
const tools: readonly RegisteredTool[] = [
  { name: 'look_up', class: 'read', environments: [], synthetic: null },
  { name: 'send_letter', class: null, environments: [], synthetic: '{"sent":"letter-0"}' },
  { name: 'restart', class: 'idempotent', environments: ['staging'], synthetic: null },
];

let world: World;
afterEach(async () => {
  await world.close();
});

/** Runs an agent that looks, writes and starts another one, in a project of this mode. */
async function runIn(mode: ProjectMode, canaryPercent: number | null = null) {
  world = await openWorld();
  const { store, work, runs } = world;
  const made = createProject({ id: project, nowMs: 0 });
  await store.directory.putProject(nextProject(made, { mode, ...(canaryPercent === null ? {} : { canaryPercent }) }));
  const done: string[] = [];
  const worker = world.worker({
    environment: 'production',
    agents: {
      desk: {
        tools,
        async run(_run, context) {
          await context.tool('look_up', { id: 1 }, () => done.push('look_up'));
          const letter = await context.tool(
            'send_letter',
            { to: 'x' },
            () => (done.push('send_letter'), { sent: 'yes' }),
          );
          const refused = await context
            .tool('restart', {}, () => done.push('restart'))
            .catch((error: Error) => error.message);
          const child = await context.startRun({ agentId: 'scribe' });
          return { letter, refused, child: child.runId };
        },
      },
      scribe: { run: () => 'done' },
    },
  });
  await worker.start();
  const { runId } = await runs.create(project, { agentId: 'desk' });
  await until(async () => isTerminal((await work.get(project, runId))!.state));
  await work.file(project);
  const run = await store.getRun(project, runId);
  const steps = (await store.listSteps(project, runId)).filter(({ kind }) => kind === 'tool');
  const [child] = await store.listChildren(project, runId);
  return { done, run, steps, child, report: await readShadowReport(store, { projectId: project, agentId: 'desk' }) };
}

describe('a run of a worker', () => {
  it('in a project in shadow does nothing that cannot be undone, and nor does what it starts', async () => {
    const { done, run, steps, child, report } = await runIn('shadow');
    expect(done).toEqual(['look_up']);
    expect([run.status, run.shadow, child!.shadow]).toEqual(['completed', true, true]);
    expect(
      steps.map(({ journalSeq, name, resultStatus, blockReason }) => [journalSeq, name, resultStatus, blockReason]),
    ).toEqual([
      [0, 'look_up', 'success', null],
      [1, 'send_letter', 'skipped', 'shadow_mode_destructive_blocked'],
      [2, 'restart', 'blocked', 'environment_not_allowed'],
    ]);
    expect(report.wouldHaveDone).toMatchObject([
      { tool: 'send_letter', class: 'destructive', classSource: 'name', calls: 1 },
    ]);
    expect(report.blocked).toMatchObject([{ tool: 'restart', calls: 1 }]);
  });

  it('in a project that is live does it, but for what its environment forbids', async () => {
    const { done, run, steps, child } = await runIn('live');
    expect(done).toEqual(['look_up', 'send_letter']);
    expect([run.shadow, child!.shadow]).toEqual([false, false]);
    expect(steps.map(({ resultStatus }) => resultStatus)).toEqual(['success', 'success', 'blocked']);
  });

  it('in a canary of none is in shadow', async () => {
    const { done, run } = await runIn('canary', 0);
    expect([done, run.shadow]).toEqual([['look_up'], true]);
  });
});
