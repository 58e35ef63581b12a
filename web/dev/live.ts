import type { StepView } from '../src/api/wire.ts';
import { aCost, aRun, aStep, anId, aUsage, say } from './builders.ts';
import { addEvent, fixtureOf, sumUp } from './fixture-run.ts';
import type { FixtureRun } from './fixture-run.ts';

/** A run that has begun and done nothing yet. */
export function liveRun(startedAtMs: number): FixtureRun {
  const fixture = fixtureOf(
    aRun({
      id: anId(startedAtMs),
      startedAtMs,
      durationMs: null,
      status: 'running',
      endReason: null,
      agentId: 'nightly-report',
      name: 'report of today',
      summary: { firstMessage: 'Write the report of today', lastOutput: null, hasError: false, endpoint: null },
    }),
  );
  addEvent(fixture, { type: 'run-create', timeMs: startedAtMs, payload: { agentId: 'nightly-report' } });
  sumUp(fixture);
  return fixture;
}

/** Begins the next step of a live run: a model call, then a tool call, and so on. */
export function beginStep(fixture: FixtureRun, nowMs: number): StepView {
  const number = fixture.steps.length + 1;
  const isModel = number % 2 === 1;
  const common = {
    runId: fixture.run.id,
    number,
    startedAtMs: nowMs,
    durationMs: null,
    status: 'in_progress' as const,
  };
  const step = isModel
    ? aStep({ ...common, operation: 'stream', contextNodeId: `n${number}`, contextLength: number })
    : aStep({
        ...common,
        kind: 'tool',
        name: 'read_tickets',
        model: null,
        parentStepId: fixture.steps.at(-1)?.id ?? null,
      });
  fixture.steps.push(step);
  if (isModel)
    fixture.contexts.set(step.id, {
      messages: Array.from({ length: number }, (_, index) =>
        say(index % 2 === 0 ? 'user' : 'assistant', `message ${index + 1}`),
      ),
      newFrom: Math.max(0, number - 2),
    });
  else fixture.values.set(step.id, { args: { day: '2026-11-21' } });
  addEvent(fixture, {
    type: 'step-start',
    timeMs: nowMs,
    stepId: step.id,
    facts: { kind: step.kind },
    payload: { name: step.name ?? step.model },
  });
  sumUp(fixture);
  return step;
}

/** Ends the step that is under way. */
export function endStep(fixture: FixtureRun, nowMs: number): void {
  const open = fixture.steps.at(-1);
  if (open === undefined || open.status !== 'in_progress') return;
  const usage = open.kind === 'model' ? aUsage({ total: 1_200, cacheRead: 800 }, { total: 60 }) : null;
  const cost = open.kind === 'model' ? aCost(2_100_000) : null;
  fixture.steps[open.number - 1] = {
    ...open,
    status: 'completed',
    finishedAtMs: nowMs,
    durationMs: nowMs - open.startedAtMs,
    usage,
    cost,
    resultStatus: open.kind === 'tool' ? 'success' : null,
  };
  fixture.answers.set(open.id, [{ type: 'text', text: `Answer of step ${open.number}` }]);
  addEvent(fixture, {
    type: 'step-end',
    timeMs: nowMs,
    stepId: open.id,
    facts: { status: 'completed', durationMs: nowMs - open.startedAtMs },
  });
  sumUp(fixture);
}

/** Ends the run. */
export function endRun(fixture: FixtureRun, nowMs: number): void {
  addEvent(fixture, { type: 'run-end', timeMs: nowMs, facts: { endReason: 'ok' } });
  fixture.run = {
    ...fixture.run,
    status: 'completed',
    endReason: 'ok',
    finishedAtMs: nowMs,
    durationMs: nowMs - fixture.run.startedAtMs!,
    updatedAtMs: nowMs,
  };
  sumUp(fixture);
}
