import type {
  RunDetail,
  RunSeals,
  RunView,
  Stats,
  StepDetail,
  WireContent,
  WireContext,
  WireVerdict,
} from '../src/api/wire.ts';
import { aUsage } from './builders.ts';
import type { FixtureRun } from './fixture-run.ts';

const toContent = (value: unknown): WireContent | null => {
  if (value === null || value === undefined) return null;
  const raw = JSON.stringify(value);
  return { contentId: 'c'.repeat(64), value, raw, bytes: raw.length };
};

const textOf = ({ run, answers }: FixtureRun): string =>
  `${run.summary.firstMessage} ${run.name} ${JSON.stringify([...answers.values()])}`.toLowerCase();

function passes(fixture: FixtureRun, query: URLSearchParams): boolean {
  const { run } = fixture;
  const is = (name: string, value: string | null): boolean => !query.has(name) || query.get(name) === value;
  const startedMs = run.startedAtMs ?? run.createdAtMs;
  return (
    (!query.has('status') || query.get('status')!.split(',').includes(run.status)) &&
    is('agent', run.agentId) &&
    is('model', run.model) &&
    is('caller', run.callerId) &&
    is('session', run.sessionId) &&
    (!query.has('label') ||
      query
        .get('label')!
        .split(',')
        .every((pair) => run.labels[pair.split('=')[0]!] === pair.split('=')[1])) &&
    (query.get('nested') === 'true' || run.parentRunId === null) &&
    (query.get('dryRuns') === 'true' || !run.dryRun) &&
    (query.get('hasError') !== 'true' || run.summary.hasError) &&
    startedMs >= Number(query.get('since') ?? 0) &&
    startedMs < Number(query.get('until') ?? Infinity) &&
    (!query.has('text') || textOf(fixture).includes(query.get('text')!.toLowerCase()))
  );
}

const pages = (fixtures: Map<string, FixtureRun>, query: URLSearchParams): readonly RunView[] =>
  [...fixtures.values()]
    .filter((fixture) => passes(fixture, query))
    .map(({ run }) => run)
    .sort((a, b) => (b.startedAtMs ?? 0) - (a.startedAtMs ?? 0));

function listRuns(fixtures: Map<string, FixtureRun>, query: URLSearchParams): unknown {
  const all = pages(fixtures, query);
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('cursor') ?? 0);
  const items = all.slice(from, from + limit);
  return {
    items,
    nextCursor: from + limit < all.length ? String(from + limit) : null,
    limit,
    limitCorrected: false,
    total: query.get('count') === 'true' ? all.length : null,
  };
}

function volume(fixtures: Map<string, FixtureRun>, query: URLSearchParams): unknown {
  const untilMs = Number(query.get('until') ?? Date.now());
  const sinceMs = Number(query.get('since') ?? untilMs - 86_400_000);
  const count = Number(query.get('buckets') ?? 48);
  const sizeMs = (untilMs - sinceMs) / count;
  const runs = pages(fixtures, query);
  return Array.from({ length: count }, (_, index) => {
    const startMs = Math.round(sinceMs + index * sizeMs);
    const within = runs.filter((run) => (run.startedAtMs ?? 0) >= startMs && (run.startedAtMs ?? 0) < startMs + sizeMs);
    const isKnown = within.every((run) => run.costNanoUsd !== null);
    return {
      startMs,
      runs: within.length,
      errors: within.filter((run) => run.summary.hasError).length,
      costNanoUsd: isKnown ? within.reduce((sum, run) => sum + run.costNanoUsd!, 0) : null,
      costKnownNanoUsd: within.reduce((sum, run) => sum + run.costKnownNanoUsd, 0),
    };
  });
}

function search(fixtures: Map<string, FixtureRun>, query: URLSearchParams): unknown {
  const words = query.get('q') ?? '';
  const items = [...fixtures.values()]
    .filter(({ run }) => !query.has('run') || run.id === query.get('run'))
    .flatMap((fixture) => {
      const texts: [string | null, string][] = [[null, fixture.run.summary.firstMessage ?? '']];
      for (const [stepId, parts] of fixture.answers)
        for (const part of parts) if (part.type === 'text') texts.push([stepId, part.text]);
      return texts.flatMap(([stepId, text]) => {
        const at = text.toLowerCase().indexOf(words.toLowerCase());
        if (at === -1) return [];
        const snippet = `${text.slice(Math.max(0, at - 40), at)}\uE000${text.slice(at, at + words.length)}\uE001${text.slice(at + words.length, at + 80)}`;
        const step = fixture.steps.find(({ id }) => id === stepId);
        return [
          {
            runId: fixture.run.id,
            stepId,
            kind: 'output',
            contentId: null,
            snippet,
            timeMs: fixture.run.createdAtMs,
            rank: 1,
            run: fixture.run,
            stepNumber: step?.number ?? null,
          },
        ];
      });
    });
  return { items: items.slice(0, Number(query.get('limit') ?? 50)) };
}

function stepDetail(fixtures: Map<string, FixtureRun>, fixture: FixtureRun, number: number): StepDetail | null {
  const step = fixture.steps[number - 1];
  if (step === undefined) return null;
  const values = fixture.values.get(step.id);
  const parts = fixture.answers.get(step.id) ?? [];
  return {
    step,
    args: toContent(values?.args),
    request: null,
    response: parts.length === 0 ? null : toContent(parts),
    responseParts: parts,
    result: toContent(values?.result),
    attempts: fixture.attempts.get(step.id) ?? [],
    childRuns: [...fixtures.values()].map(({ run }) => run).filter((run) => run.parentStepId === step.id),
  };
}

function context(fixture: FixtureRun, number: number, from: number): WireContext | null {
  const found = fixture.contexts.get(fixture.steps[number - 1]?.id ?? '');
  if (found === undefined) return null;
  const messages = found.messages.map((message, index) => ({
    index,
    contentId: `m${index}`,
    role: message.role,
    parts: message.parts,
    raw: JSON.stringify(message),
    isNew: index >= found.newFrom && found.again?.includes(index) !== true,
    mark: index === 0 ? { type: 'ephemeral' } : null,
  }));
  const tool = {
    contentId: 't1',
    name: 'find_order',
    description: 'Finds an order by its number',
    raw: '{"name":"find_order","parameters":{"type":"object"}}',
  };
  return { messages: messages.slice(from), tools: [tool], newFrom: found.newFrom, length: messages.length, missing: 0 };
}

function verdict(fixture: FixtureRun): WireVerdict {
  const isOpen = fixture.run.status === 'running';
  const lost = fixture.run.counts.gaps;
  return {
    intact: {
      verdict: isOpen ? 'unsealed' : 'intact',
      writerId: null,
      n: null,
      message: isOpen ? 'The run is not sealed yet.' : 'Every event is as it was sealed.',
      erased: 0,
    },
    complete: {
      verdict: isOpen || lost > 0 ? 'incomplete' : 'complete',
      openSteps: fixture.run.counts.openSteps,
      openAttempts: 0,
      gaps: lost,
      lost,
      closed: !isOpen,
      message: isOpen ? 'The run is still going.' : 'Nothing is missing.',
    },
    seals: isOpen ? 0 : 1,
    events: fixture.run.counts.events,
    publicKey: isOpen ? null : 'MCowBQYDK2VwAyEA…',
  };
}

function seals(fixture: FixtureRun): RunSeals {
  const seal = {
    number: 41,
    projectId: 'default',
    timeMs: fixture.run.updatedAtMs,
    events: fixture.run.counts.events,
    erased: 0,
    publicKey: 'ab'.repeat(32),
    fingerprint: 'e961-75ca-957d-eef2-5dbd-945d-c712-0185',
    digest: 'cd'.repeat(32),
    from: 'here',
  } as const;
  return { seals: fixture.run.status === 'running' ? [] : [seal], origin: null };
}

/** Runs below a run, on all levels. */
function below(fixtures: Map<string, FixtureRun>, runId: string): RunView[] {
  const children = [...fixtures.values()].map(({ run }) => run).filter((run) => run.parentRunId === runId);
  return children.flatMap((run) => [run, ...below(fixtures, run.id)]);
}

function detail(fixtures: Map<string, FixtureRun>, fixture: FixtureRun): RunDetail {
  const children = below(fixtures, fixture.run.id);
  const costKnownNanoUsd = children.reduce((sum, run) => sum + run.costKnownNanoUsd, 0);
  const isKnown = children.every((run) => run.costNanoUsd !== null);
  return {
    run: fixture.run,
    inputs: toContent(fixture.inputs),
    output: toContent(fixture.output),
    environment: fixture.environment,
    chain: fixture.chain,
    annotations: [],
    gaps: fixture.events.filter(({ type }) => type === 'gap'),
    childCost: { runs: children.length, costNanoUsd: isKnown ? costKnownNanoUsd : null, costKnownNanoUsd },
  };
}

function answerRun(fixtures: Map<string, FixtureRun>, rest: readonly string[], query: URLSearchParams): unknown {
  const fixture = fixtures.get(rest[0] ?? '');
  if (fixture === undefined) return null;
  const number = Number(rest[2]);
  const from = Number(query.get('from') ?? 1);
  const limit = Number(query.get('limit') ?? 500);
  switch (
    rest
      .slice(1)
      .map((part) => (/^\d+$/.test(part) ? 'n' : part))
      .join('/')
  ) {
    case '':
      return detail(fixtures, fixture);
    case 'verify':
      return verdict(fixture);
    case 'seals':
      return seals(fixture);
    case 'children':
      return [...fixtures.values()].map(({ run }) => run).filter((run) => run.parentRunId === fixture.run.id);
    case 'events':
      return fixture.events.slice(from - 1, from - 1 + limit);
    case 'steps':
      return fixture.steps.slice(from - 1, from - 1 + limit);
    case 'steps/n':
      return stepDetail(fixtures, fixture, number);
    case 'steps/n/context':
      return context(fixture, number, Number(query.get('from') ?? 0));
    case 'steps/n/attempts':
      return fixture.attempts.get(fixture.steps[number - 1]?.id ?? '') ?? [];
    case 'steps/n/attempts/n': {
      const attempt = fixture.attempts
        .get(fixture.steps[number - 1]?.id ?? '')
        ?.find((one) => one.number === Number(rest[4]));
      return attempt === undefined
        ? null
        : {
            attempt,
            requestBody: '{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Where is my order?"}]}',
            responseBody:
              attempt.responseBody === null ? null : '{"id":"msg_01","content":[{"type":"text","text":"<b>hi</b>"}]}',
          };
    }
    default:
      return null;
  }
}

function totals(fixtures: Map<string, FixtureRun>, query: URLSearchParams): Stats {
  const by = (query.get('by') ?? 'model') as Stats['by'];
  const keyOf = (run: RunView): string =>
    by === 'model'
      ? (run.model ?? '')
      : by === 'agent'
        ? run.agentId
        : new Date(run.createdAtMs).toISOString().slice(0, 10);
  const inRange = [...fixtures.values()]
    .map(({ run }) => run)
    .filter((run) => run.createdAtMs >= Number(query.get('since') ?? 0));
  const rows = [...Map.groupBy(inRange, keyOf)].map(([key, runs]) => {
    const add = (valueOf: (run: RunView) => number | null): number =>
      runs.reduce((sum, run) => sum + (valueOf(run) ?? 0), 0);
    const steps = add((run) => run.counts.steps);
    const errors = add((run) => run.counts.errors);
    const known = add((run) => run.costKnownNanoUsd);
    const usage = aUsage(
      { total: add((run) => run.usage.input.total), cacheRead: add((run) => run.usage.input.cacheRead) },
      { total: add((run) => run.usage.output.total) },
    );
    const isKnown = runs.every((run) => run.costNanoUsd !== null);
    return {
      key,
      runs: runs.length,
      steps,
      errors,
      errorRate: steps === 0 ? null : errors / steps,
      usage,
      costNanoUsd: isKnown ? known : null,
      costKnownNanoUsd: known,
      durationP50Ms: 4000,
      durationP90Ms: 21_000,
      durationP99Ms: null,
    };
  });
  return { by, rows: rows.sort((a, b) => b.runs - a.runs) };
}

/** The JSON answer to a request for data; `null` is a 404. */
export function answer(fixtures: Map<string, FixtureRun>, url: URL): unknown {
  const [noun, ...rest] = url.pathname.replace('/api/v1/', '').split('/').map(decodeURIComponent);
  if (noun === 'runs')
    return rest.length === 0 ? listRuns(fixtures, url.searchParams) : answerRun(fixtures, rest, url.searchParams);
  if (noun === 'search') return search(fixtures, url.searchParams);
  if (noun === 'agents')
    return [...new Set([...fixtures.values()].map(({ run }) => run.agentId))].map((agentId) => ({
      agentId,
      runs: 1,
      lastStartedAtMs: 0,
      lastRun: null,
    }));
  if (noun === 'access')
    return { isSignedIn: true, isKeyRequired: false, projectId: 'default', keyId: null, scopes: ['admin'] };
  if (url.pathname === '/api/v1/stats') return totals(fixtures, url.searchParams);
  if (url.pathname === '/api/v1/stats/volume') return volume(fixtures, url.searchParams);
  return null;
}
