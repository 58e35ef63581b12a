import type { AttemptView, RunDetail, RunView, StepView, WireEvent, WirePart } from '../src/api/wire.ts';
import { aUsage } from './builders.ts';
import type { DraftMessage } from './builders.ts';

/** Everything known of one run. Mutable: the live run grows in it. */
export interface FixtureRun {
  run: RunView;
  steps: StepView[];
  attempts: Map<string, AttemptView[]>;
  /** By step id: the whole context, and how many of its messages the previous one had. */
  contexts: Map<string, { messages: readonly DraftMessage[]; newFrom: number; again?: readonly number[] }>;
  answers: Map<string, readonly WirePart[]>;
  values: Map<string, { args?: unknown; result?: unknown }>;
  events: WireEvent[];
  inputs: unknown;
  output: unknown;
  environment: unknown;
  chain: RunDetail['chain'];
}

/** A run without steps, around its view. */
export function fixtureOf(run: RunView): FixtureRun {
  return {
    run,
    steps: [],
    attempts: new Map(),
    contexts: new Map(),
    answers: new Map(),
    values: new Map(),
    events: [],
    inputs: null,
    output: null,
    environment: {
      git: { commit: '9dd72fc', dirty: false },
      cwd: '/srv/agents',
      argv: ['node', 'agent.mjs'],
      pid: 4242,
      node: 'v24.21.0',
    },
    chain: [{ id: run.id, agentId: run.agentId, name: run.name }],
  };
}

/** Puts an event at the end of a run's record. */
export function addEvent(
  fixture: FixtureRun,
  event: Partial<WireEvent> & { readonly type: string; readonly timeMs: number },
): WireEvent {
  const seq = fixture.events.length + 1;
  const whole: WireEvent = {
    seq,
    writerId: '0123456789abcdef',
    n: seq,
    stepId: null,
    attempt: null,
    facts: null,
    payload: {},
    hash: 'ab'.repeat(32),
    ...event,
  };
  fixture.events.push(whole);
  return whole;
}

/** Recomputes what a run's header sums up. */
export function sumUp(fixture: FixtureRun): void {
  const { steps } = fixture;
  const models = steps.filter((step) => step.kind === 'model');
  const sum = (valueOf: (step: StepView) => number | null | undefined): number | null => {
    const known = models.map(valueOf).filter((value) => typeof value === 'number');
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  const ended = models.filter((step) => step.status !== 'in_progress');
  const unpriced = ended.filter((step) => (step.cost?.nanoUsd ?? null) === null).length;
  const known = sum((step) => step.cost?.nanoUsd) ?? 0;
  fixture.run = {
    ...fixture.run,
    usage: aUsage(
      {
        total: sum((step) => step.usage?.input.total),
        noCache: sum((step) => step.usage?.input.noCache),
        cacheRead: sum((step) => step.usage?.input.cacheRead),
        cacheWrite: sum((step) => step.usage?.input.cacheWrite),
      },
      { total: sum((step) => step.usage?.output.total), reasoning: sum((step) => step.usage?.output.reasoning) },
    ),
    costNanoUsd: unpriced > 0 ? null : known,
    costKnownNanoUsd: known,
    counts: {
      ...fixture.run.counts,
      steps: steps.length,
      modelSteps: models.length,
      toolSteps: steps.filter((step) => step.kind === 'tool').length,
      attempts: steps.reduce((total, step) => total + step.attemptCount, 0),
      retries: steps.reduce((total, step) => total + Math.max(0, step.attemptCount - 1), 0),
      errors: steps.filter((step) => step.status === 'error').length,
      interrupted: steps.filter((step) => step.status === 'interrupted').length,
      openSteps: steps.filter((step) => step.status === 'in_progress').length,
      events: fixture.events.length,
      unpriced,
    },
    lastSeq: Math.max(fixture.run.lastSeq, fixture.events.length),
    lastStepNumber: steps.length,
  };
}
