import { describe, expect, it } from 'vitest';
import { freshUpkeep } from '../../core/life/upkeep.ts';
import { TachographError } from '../../core/error.ts';
import type { LogFormat } from './log.ts';
import { createLog } from './log.ts';
import { createUpkeepLog, logProblem, logRequest } from './server-log.ts';

const hostile = 'a\nlevel=error event=forged\r\u001b[2J\u202egnp\u2028\u0085\u200b" } {"event":"forged"}';

function capture(format: LogFormat) {
  const written: string[] = [];
  const log = createLog({ format, write: (line) => written.push(line) });
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const note = { method: 'GET', route: '/api/v1/runs', status: 200, durationMs: 3.4, projectId: 'shop', keyId: 'shop.0' };

describe('log lines', () => {
  it.each(['text', 'json'] as const)('cannot be forged by what they tell of, as %s', (format) => {
    const { log, written } = capture(format);
    logProblem(log, { file: hostile, message: hostile });
    logRequest(log, { ...note, status: 404, projectId: hostile });
    log.failure(new TachographError('store-broken', hostile));
    log.warn('back-pressure-on', { message: hostile });
    expect(written).toHaveLength(4);
    for (const line of written) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(line).toMatch(/^[\x20-\x7e⟨⟩…]+\n$/u);
      expect(line).not.toMatch(/^level=|" event=|\sevent=forged(?!.*")/);
    }
  });

  it('are the same words as JSON once they are parsed', () => {
    const { log, lines } = capture('json');
    log.info('server-started', { url: hostile });
    expect(lines()[0]).toMatchObject({ level: 'info', event: 'server-started', url: hostile });
  });

  it('are plain for people, with values in quotes that are no plain word', () => {
    const { log, written } = capture('text');
    log.info('server-stopped', { ms: 12, tidy: true, message: 'two words', key: null });
    expect(written[0]).toMatch(/^\S+Z info {2}server-stopped ms=12 tidy=true message="two words"\n$/);
  });

  it('tell of requests that were refused, failed or slow, and of no other', () => {
    const { log, lines } = capture('json');
    logRequest(log, note);
    logRequest(log, { ...note, status: 401, projectId: null, keyId: null });
    logRequest(log, { ...note, status: 503 });
    logRequest(log, { ...note, durationMs: 1500 });
    expect(lines().map(({ event, status, ms }) => [event, status, ms])).toEqual([
      ['request-refused', 401, 3],
      ['request-failed', 503, 3],
      ['request-slow', 200, 1500],
    ]);
    expect(lines()[1]).toMatchObject({ method: 'GET', route: '/api/v1/runs', project: 'shop', key: 'shop.0' });
  });

  it('hold no secret that an error repeats', () => {
    const { log, written } = capture('json');
    log.failure(new Error('connect postgres://app:hunter2hunter2@db.internal/x with sk-ant-api03-' + 'a'.repeat(80)));
    expect(written[0]).not.toContain('hunter2');
    expect(written[0]).not.toContain('sk-ant-api03-aaaa');
  });

  it('tell what a pass of the upkeep did, and a lasting failure once', () => {
    const { log, lines } = capture('json');
    const tell = createUpkeepLog(log);
    tell(freshUpkeep);
    tell({ ...freshUpkeep, purgedRuns: 2 });
    tell({ ...freshUpkeep, purgedRuns: 5, error: 'disk' });
    tell({ ...freshUpkeep, purgedRuns: 5, error: 'disk' });
    expect(lines().map(({ event, purgedRuns, message }) => [event, purgedRuns ?? message])).toEqual([
      ['upkeep', 2],
      ['upkeep', 3],
      ['upkeep-failed', 'disk'],
    ]);
  });

  it('name what could not be sealed apart from what could not be imported', () => {
    const { log, lines } = capture('json');
    logProblem(log, { file: 'run 0190', message: 'It is not sealed.' });
    logProblem(log, { file: 'default/a.tgj', message: 'torn' });
    expect(lines().map(({ event }) => event)).toEqual(['seal-refused', 'import-problem']);
  });
});
