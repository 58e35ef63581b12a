import type { RunSearch } from '../model/run-search.ts';
import { parseLabels, parseMoment } from '../model/run-search.ts';

/** Every address the viewer asks. Nothing else in the viewer knows one. */
const base = '/api/v1';

const run = (runId: string): string => `${base}/runs/${encodeURIComponent(runId)}`;
const step = (runId: string, number: number): string => `${run(runId)}/steps/${number}`;

function withQuery(path: string, query: Readonly<Record<string, string | number | null | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The list's state as query fields of the API. A full-text search looks into nested runs too. */
function searchToQuery(search: RunSearch, nowMs: number): Record<string, string | number | null | undefined> {
  const labels = parseLabels(search.label);
  return {
    status: search.status,
    agent: search.agent,
    model: search.model,
    caller: search.caller,
    session: search.session,
    label: labels.map(([key, value]) => `${key}=${value}`).join(','),
    since: parseMoment(search.since, nowMs),
    until: parseMoment(search.until, nowMs),
    hasError: search.error === '1' ? 'true' : null,
    nested: search.nested === '1' || search.q !== undefined ? 'true' : null,
    dryRuns: search.dry === '1' ? 'true' : null,
    text: search.q,
  };
}

/** Addresses about runs as work. */
export const workPaths = {
  list: (query: { readonly state?: string; readonly agent?: string; readonly dead?: boolean }) =>
    withQuery(`${base}/work`, {
      state: query.state,
      agent: query.agent,
      dead: query.dead === true ? 'true' : null,
      limit: 100,
    }),
  counts: () => `${base}/work/counts`,
  workers: () => `${base}/workers`,
  schedules: () => `${base}/schedules`,
  budgets: () => `${base}/budgets`,
  shadowReport: (agent: string | undefined) => withQuery(`${base}/shadow-report`, { agent }),
  ofRun: (runId: string) => `${run(runId)}/work`,
  cancel: (runId: string) => `${run(runId)}/cancel`,
  redrive: (runId: string) => `${run(runId)}/redrive`,
} as const;

/** Addresses by what they give. */
export const paths = {
  access: `${base}/access`,
  signIn: `${base}/sign-in`,
  signOut: `${base}/sign-out`,
  runs: (search: RunSearch, page: { readonly nowMs: number; readonly limit: number; readonly cursor: string | null }) =>
    withQuery(`${base}/runs`, {
      ...searchToQuery(search, page.nowMs),
      limit: page.limit,
      cursor: page.cursor,
      count: page.cursor === null ? 'true' : null,
    }),
  runStream: () => `${base}/runs/stream`,
  volume: (search: RunSearch, range: { readonly nowMs: number; readonly buckets: number }) =>
    withQuery(`${base}/stats/volume`, { ...searchToQuery(search, range.nowMs), buckets: range.buckets }),
  search: (text: string, options: { readonly runId?: string; readonly limit: number }) =>
    withQuery(`${base}/search`, { q: text, run: options.runId, limit: options.limit }),
  stats: (by: string, sinceMs: number | null) => withQuery(`${base}/stats`, { by, since: sinceMs }),
  agents: () => `${base}/agents`,
  run,
  verify: (runId: string) => `${run(runId)}/verify`,
  seals: (runId: string) => `${run(runId)}/seals`,
  export: (runId: string, format: string) => withQuery(`${run(runId)}/export`, { format }),
  diff: (runId: string, otherId: string) => `${run(runId)}/diff/${encodeURIComponent(otherId)}`,
  stepDiff: (runId: string, otherId: string, numbers: { readonly a: number | null; readonly b: number | null }) =>
    withQuery(`${run(runId)}/diff/${encodeURIComponent(otherId)}/steps`, numbers),
  children: (runId: string) => `${run(runId)}/children`,
  events: (runId: string, fromSeq: number, limit: number) =>
    withQuery(`${run(runId)}/events`, { from: fromSeq, limit }),
  eventStream: (runId: string) => `${run(runId)}/events`,
  steps: (runId: string, fromNumber: number, limit: number) =>
    withQuery(`${run(runId)}/steps`, { from: fromNumber, limit }),
  step,
  attempts: (runId: string, number: number) => `${step(runId, number)}/attempts`,
  attempt: (runId: string, number: number, attempt: number) => `${step(runId, number)}/attempts/${attempt}`,
  context: (runId: string, number: number, from: number) =>
    withQuery(`${step(runId, number)}/context`, { from: from > 0 ? from : null }),
} as const;
