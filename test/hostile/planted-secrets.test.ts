import process from 'node:process';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Leak } from './leak-search.ts';
import { encodings, secretKinds } from './secrets.ts';
import type { Round, Trial } from './trial.ts';
import { blindRedactor, runTrial } from './trial.ts';

/*
 * A secret in every field and encoding (I4). One is planted in each field of each public method of a recorder and wherever
 * a program, a model or a server can put one through the captures; then everything that comes out is looked through: the
 * files of the home, the database with its packs unpacked and its index, the journals, what commands print and export, what
 * every route answers and streams, and what is told to `onError`.
 *
 * A run of this file gives each place a credential by chance in each encoding. `TACHOGRAPH_SECRETS=all` gives it each of
 * them, `TACHOGRAPH_SECRETS=2/3` the second third.
 */
globalThis.AI_SDK_LOG_WARNINGS = false;

const sampled: readonly Round[] = encodings.map((encoding, at) => ({
  encoding,
  seed: 20_261_121 + at,
  kindOf: (_n, random) => secretKinds[random(secretKinds.length)]!,
}));

const describeLeaks = (leaks: readonly Leak[]): string[] => [
  ...new Set(leaks.map(({ where, secret }) => `${secret.kind} in ${secret.place}, ${secret.encoding}: ${where}`)),
];

describe('a secret in every field and encoding', () => {
  it('is found nowhere', { timeout: 120_000 }, async () => {
    const { planted, leaks } = await runTrial({ rounds: sampled, redactor: null, shownRounds: 2 });
    expect(planted.length).toBeGreaterThan(7000);
    expect(describeLeaks(leaks).slice(0, 50)).toEqual([]);
  });

  const [, part, parts] = /^(?:(\d+)\/(\d+)|all)$/.exec(process.env['TACHOGRAPH_SECRETS'] ?? '') ?? [null];
  const isAll = part !== undefined || process.env['TACHOGRAPH_SECRETS'] === 'all';
  const isTurn = (turn: number): boolean => isAll && turn % Number(parts ?? 1) === Number(part ?? 1) - 1;
  it.each([...secretKinds.keys()].filter(isTurn))(
    'of each kind: turn %i is found nowhere',
    { timeout: 300_000 },
    async (turn) => {
      const rounds = encodings.map((encoding, at): Round => ({
        encoding,
        seed: 1000 * turn + at,
        kindOf: (n) => secretKinds[(n + turn) % secretKinds.length]!,
      }));
      const { leaks } = await runTrial({ rounds, redactor: null, shownRounds: 1, hasCommands: false });
      expect(describeLeaks(leaks).slice(0, 50)).toEqual([]);
    },
  );
});

/** What is not recorded as it was given, so that nothing of it can come out: closed lists, ids of ours, bytes, streams. */
const unrecorded = [
  'run.id',
  'run.source',
  'run.parent',
  'run.root',
  'step.usage.key',
  'step.cost.status',
  'step.cost.source',
  'cost.source',
  'tool.result.bytes',
  'error.getter',
  'observed.http.args',
  'observed.http.result',
  'ai.header',
  'ai.stream.failure.url',
  'ai.stream.failure.request',
  'ai.stream.failure.header',
  'ai.stream.failure.body',
  'fetch.redirect',
  'fetch.upload',
  'fetch.upload.name',
  'wrong.query.value',
  'wrong.query.cursor',
  'wrong.query.status',
  'wrong.path',
];

/** What holds numbers, ids and digests alone. */
const wordless = [
  /^indexer\.lock/,
  /^tachograph\.db-shm$/,
  /\.ack$/,
  /^table (?:projects|project_records|keys|changes|journal_positions|writers|contents|documents|nodes|seals|word_tables|event_packs|words_\d+_\w+)$/,
  /^wrong /,
  /^GET \/(?:healthz|readyz|metrics|api\/openapi\.json)$/,
  /^GET \/api\/v1\/(?:access|keys|projects)/,
  /^GET \/api\/v1\/(?:runs\/\{id\}\/(?:verify|seals)|stats\/volume)$/,
  // Nothing of the trial's runs is work; test/hostile/work-secrets.test.ts plants its own.
  /^GET \/api\/v1\/(?:work|workers|registrations|schedules|budgets|runs\/\{id\}\/work$|agents\/\{agentId\}\/registration$)/,
  /^printed (?:$|doctor|verify|export|backup|search --rank)/,
  /^complained/,
  /^exported backup\/(?:backup\.json|tachograph\.db-|keys\/)/,
  /^errors told$/,
];

describe('without redaction', () => {
  let trial: Trial;
  beforeAll(async () => {
    trial = await runTrial({ rounds: sampled.slice(0, 9), redactor: blindRedactor, shownRounds: 2 });
  }, 120_000);

  it('the secret of every place that is recorded is found', () => {
    const found = new Set(trial.leaks.map(({ secret }) => secret.place));
    const places = [...new Set(trial.planted.map(({ place }) => place))];
    expect(places.filter((place) => !found.has(place)).toSorted()).toEqual(unrecorded.toSorted());
  });

  it('secrets are found wherever words come out', () => {
    const found = new Set(trial.leaks.map(({ where }) => where));
    expect([...trial.outlets].filter((where) => !found.has(where) && !wordless.some((one) => one.test(where)))).toEqual(
      [],
    );
    for (const where of [
      'index of words',
      'packed event_packs.packed',
      'packed content_blocks.packed',
      'packed attempt_packs.packed',
      'table run_views',
      'tachograph.db',
      'tachograph.db-wal',
      'SSE /api/v1/runs/stream',
      'GET /api/v1/runs/{id}/export?format=html',
    ])
      expect(found).toContain(where);
  });
});
