import type { WirePart } from '../src/api/wire.ts';
import { aRun, aStep, anAttempt, anId, aUsage, say } from './builders.ts';
import { addEvent, fixtureOf, sumUp } from './fixture-run.ts';
import type { FixtureRun } from './fixture-run.ts';

/** What an attacker would like to get into the page. */
export const hostile = {
  script: '<script>window.__owned = 1</script>',
  svg: '<svg onload="window.__owned = 2"><image href="https://evil.example/x.png"/></svg>',
  image: '<img src="https://evil.example/pixel.png" onerror="window.__owned = 3"> ![x](https://evil.example/md.png)',
  link: 'javascript:window.__owned=4 [click](javascript:window.__owned=5) https://evil.example/',
  bidi: 'invoice\u202Etxt.exe and zero\u200Bwidth\u2066 and tag\u{E0041}s',
  ansi: '\u001B[31mred\u001B[0m \u001B]8;;https://evil.example\u0007link\u0000',
} as const;

/** A run whose every field is hostile. */
export function hostileRun(startedAtMs: number): FixtureRun {
  const id = anId(startedAtMs);
  const fixture = fixtureOf(
    aRun({
      id,
      startedAtMs,
      agentId: hostile.script,
      name: hostile.bidi,
      callerId: hostile.svg,
      model: hostile.image,
      sessionId: hostile.link,
      status: 'failed',
      endReason: 'error',
      errorCode: hostile.svg,
      errorDetail: `${hostile.script}${hostile.ansi}`,
      labels: { [hostile.svg]: hostile.link },
      summary: { firstMessage: Object.values(hostile).join(' '), lastOutput: null, hasError: true, endpoint: null },
    }),
  );
  const all = Object.values(hostile).join('\n');
  const model = aStep({
    runId: id,
    number: 1,
    startedAtMs,
    name: hostile.script,
    model: hostile.svg,
    contextNodeId: 'n',
    contextLength: 3,
    attemptCount: 1,
    finishReason: { unified: hostile.svg, raw: hostile.link },
    usage: aUsage({ total: 10 }, { total: 1 }),
    options: { [hostile.script]: hostile.svg },
  });
  const tool = aStep({
    runId: id,
    number: 2,
    startedAtMs: startedAtMs + 1000,
    kind: 'tool',
    name: hostile.bidi,
    parentStepId: model.id,
    preview: hostile.svg,
    status: 'error',
    error: {
      name: hostile.script,
      message: all,
      code: hostile.svg,
      status: null,
      isRetryable: null,
      causes: [{ name: hostile.bidi, message: hostile.ansi }],
    },
  });
  const long = aStep({
    runId: id,
    number: 3,
    startedAtMs: startedAtMs + 2000,
    kind: 'tool',
    name: 'ten megabytes',
    resultStatus: 'success',
  });
  fixture.steps.push(model, tool, long);
  const source: WirePart = { type: 'source', title: hostile.script, url: hostile.link };
  const file: WirePart = {
    type: 'file',
    mediaType: 'image/svg+xml',
    name: hostile.svg,
    bytes: 12,
    digest: hostile.script,
  };
  fixture.contexts.set(model.id, {
    newFrom: 0,
    messages: [
      say(hostile.script, all),
      { role: 'user', parts: [source, file, { type: 'other', value: { [hostile.svg]: all } }] },
      {
        role: 'assistant',
        parts: [
          { type: 'tool-call', callId: hostile.link, name: hostile.image, args: { html: all } },
          { type: 'tool-result', callId: hostile.link, name: hostile.bidi, result: all, isError: true },
          { type: 'reasoning', text: all },
        ],
      },
    ],
  });
  fixture.answers.set(model.id, [{ type: 'text', text: all }]);
  fixture.attempts.set(model.id, [
    anAttempt(model, {
      number: 1,
      url: hostile.link,
      path: hostile.svg,
      responseHeaders: { [hostile.script]: hostile.svg },
    }),
  ]);
  fixture.values.set(tool.id, { args: { html: all }, result: all });
  fixture.values.set(long.id, { args: null, result: `${'x'.repeat(10 * 1024 * 1024)}END` });
  addEvent(fixture, { type: 'log', timeMs: startedAtMs, payload: { type: hostile.script, data: all } });
  fixture.inputs = all;
  fixture.output = { [hostile.svg]: all };
  fixture.environment = { [hostile.script]: all };
  sumUp(fixture);
  return fixture;
}
