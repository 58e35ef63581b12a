import type { StepView } from '../src/api/wire.ts';
import { aCost, aRun, aStep, anId, aUsage } from './builders.ts';
import { fixtureOf, sumUp } from './fixture-run.ts';
import type { FixtureRun } from './fixture-run.ts';

/** A run of many steps: model calls with two tools each, one in 500 in error. */
export function largeRun(startedAtMs: number, count: number): FixtureRun {
  const id = anId(startedAtMs);
  const fixture = fixtureOf(
    aRun({
      id,
      startedAtMs,
      durationMs: count * 40,
      agentId: 'crawler',
      name: `${count.toLocaleString('en-US')} steps`,
    }),
  );
  let parent: StepView | null = null;
  for (let number = 1; number <= count; number += 1) {
    const isModel = number % 3 === 1;
    const common = { runId: id, number, startedAtMs: startedAtMs + number * 40, durationMs: 25 + (number % 7) * 12 };
    const made: StepView = isModel
      ? aStep({
          ...common,
          usage: aUsage({ total: 900 + (number % 90) }, { total: 40 }),
          cost: aCost(1_200_000),
          attemptCount: 1,
        })
      : aStep({
          ...common,
          kind: 'tool',
          name: number % 2 === 0 ? 'fetch_page' : 'store',
          model: null,
          parentStepId: parent?.id ?? null,
          resultStatus: 'success',
          status: number % 500 === 0 ? 'error' : 'completed',
        });
    if (isModel) parent = made;
    fixture.steps.push(made);
  }
  sumUp(fixture);
  return fixture;
}

/** Runs for the list: many days, statuses, agents and badges. */
export function pastRuns(nowMs: number, count: number): readonly FixtureRun[] {
  const agents = ['support-agent', 'warehouse-agent', 'nightly-report', 'code-review'];
  const messages = [
    'Summarise the tickets of yesterday',
    'Review pull request 4411',
    'Which parcels are late?',
    'Write the release notes for 2026.11.2 and send them to the list',
    null,
  ];
  const models = ['claude-sonnet-4-5', 'gpt-5-mini', 'gemini-3-pro', 'claude-haiku-4-5'];
  return Array.from({ length: count }, (_, index) => {
    const startedAtMs = nowMs - 240_000 - index * 373_000 - ((index * 7919) % 240_000);
    const isBad = index % 11 === 3;
    const isUnknown = index % 6 === 2;
    const nano = 1_200_000 * (1 + (index % 37));
    const dead = index % 23 === 9;
    return fixtureOf(
      aRun({
        id: anId(startedAtMs),
        startedAtMs,
        durationMs: 1_500 + ((index * 7919) % 90_000),
        agentId: agents[index % 4]!,
        model: models[(index * 3) % 4]!,
        callerId: index % 3 === 0 ? 'cron' : index % 3 === 1 ? 'web-chat' : null,
        status: dead
          ? 'failed'
          : isBad
            ? 'failed'
            : index % 29 === 5
              ? 'cancelled'
              : index % 31 === 7
                ? 'timeout'
                : 'completed',
        endReason: dead
          ? 'interrupted'
          : isBad
            ? 'error'
            : index % 29 === 5
              ? 'cancelled'
              : index % 31 === 7
                ? 'timeout'
                : 'ok',
        swept: dead,
        errorDetail: isBad ? 'AI_APICallError: Overloaded' : null,
        dryRun: index % 17 === 4,
        shadow: index % 19 === 6,
        observedAfter: index % 41 === 8,
        erased: index % 43 === 12,
        summary: { firstMessage: messages[index % 5]!, lastOutput: null, hasError: isBad, endpoint: null },
        usage: isUnknown
          ? aUsage()
          : aUsage({ total: 1_000 + ((index * 977) % 80_000), cacheRead: 400 }, { total: 80 + (index % 900) }),
        costNanoUsd: isUnknown ? null : nano,
        costKnownNanoUsd: isUnknown ? 0 : nano,
        counts: {
          steps: 3 + (index % 40),
          modelSteps: 2 + (index % 20),
          toolSteps: 1,
          attempts: 4,
          retries: index % 9 === 1 ? 2 : 0,
          errors: isBad ? 1 : 0,
          interrupted: 0,
          openSteps: 0,
          gaps: index % 37 === 11 ? 1 : 0,
          missing: 0,
          late: 0,
          events: 12,
          unpriced: isUnknown ? 1 : 0,
        },
      }),
    );
  });
}
