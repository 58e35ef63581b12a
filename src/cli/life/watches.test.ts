import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TachographError } from '../../core/error.ts';
import { createLog } from '../log/log.ts';
import { openHome, openRecorder } from '../../journal/index.ts';
import type { Gauge } from '../../server/index.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { watchReception } from './ingest-watch.ts';
import { watchStore } from './store-watch.ts';
import { isDoneWithin } from './stop.ts';
import { watchVitalSigns } from './vital-signs.ts';
import { createWaitingRoom, waitForStore } from './waiting-room.ts';

function valueOf(gauges: readonly Gauge[], name: string, label?: string): number | undefined {
  const samples = gauges.find((gauge) => gauge.name === name)?.samples;
  return samples?.find(({ labels }) => label === undefined || Object.values(labels).includes(label))?.value;
}

function silentLog() {
  const events: string[] = [];
  const log = createLog({
    format: 'json',
    write: (line) => void events.push((JSON.parse(line) as { event: string }).event),
  });
  return { log, events };
}

let folder: string;
beforeEach(() => {
  folder = openHome(join(mkdtempSync(join(tmpdir(), 'tachograph-watch-')), 'home'));
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

describe('a watched store', () => {
  it('counts calls and failures, and no answers as failures', async () => {
    const plain = createMemoryStore();
    const { store, gauges } = watchStore({
      ...plain,
      sync: async () => {
        throw new TachographError('store-busy', 'away');
      },
      lastSeal: () => {
        throw new TypeError('wrong');
      },
    });
    await store.initialize();
    await expect(store.getRun('default', '01900000-0000-7000-8000-000000000000')).rejects.toThrow();
    await expect(store.sync()).rejects.toThrow('away');
    await expect(store.lastSeal('default')).rejects.toThrow('wrong');
    expect(await store.directory.hasKeys()).toBe(false);
    expect(valueOf(gauges(), 'tachograph_store_errors_total', 'store-busy')).toBe(1);
    expect(valueOf(gauges(), 'tachograph_store_errors_total', 'internal')).toBe(1);
    expect(valueOf(gauges(), 'tachograph_store_errors_total', 'run-not-found')).toBeUndefined();
    expect(valueOf(gauges(), 'tachograph_store_calls_total')).toBe(5);
    expect(valueOf(gauges(), 'tachograph_store_calls_open')).toBe(0);
  });
});

describe('a watched reception', () => {
  it('counts what it takes and refuses, and tells once when back-pressure begins and ends', async () => {
    const { log, events } = silentLog();
    let failure: Error | null = null;
    const { take, gauges } = watchReception(
      {
        async take() {
          if (failure !== null) throw failure;
          return { entries: 3, generation: 0, receipt: null };
        },
        close: async () => undefined,
      },
      log,
    );
    await take('default', new Uint8Array(10));
    failure = new TachographError('store-busy', 'full');
    for (let tries = 0; tries < 3; tries += 1) await expect(take('default', new Uint8Array(1))).rejects.toThrow('full');
    expect(valueOf(gauges(), 'tachograph_ingest_back_pressure')).toBe(1);
    failure = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    await expect(take('default', new Uint8Array(1))).rejects.toThrow('no space');
    failure = null;
    await take('default', new Uint8Array(10));
    expect(events).toEqual(['back-pressure-on', 'back-pressure-off']);
    expect(valueOf(gauges(), 'tachograph_ingest_entries_total')).toBe(6);
    expect(valueOf(gauges(), 'tachograph_ingest_bytes_total')).toBe(20);
    expect(valueOf(gauges(), 'tachograph_ingest_refused_total', 'store-busy')).toBe(3);
    expect(valueOf(gauges(), 'tachograph_ingest_refused_total', 'other')).toBe(1);
    expect(valueOf(gauges(), 'tachograph_ingest_back_pressure')).toBe(0);
  });
});

describe('vital signs', () => {
  it('tell what waits in the journals and for how long, and say when the store does not answer', async () => {
    const store = createMemoryStore();
    await store.initialize();
    const recorder = openRecorder({ home: folder });
    recorder.startRun({ agentId: 'a' }).close({ endReason: 'ok' });
    await recorder.close();
    const signs = watchVitalSigns({ home: folder, store, database: null });
    const first = await signs.gauges();
    expect(valueOf(first, 'tachograph_journals')).toBe(1);
    expect(valueOf(first, 'tachograph_backlog_bytes')).toBeGreaterThan(100);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(valueOf(await signs.gauges(), 'tachograph_indexer_lag_seconds')).toBeGreaterThan(0.02);
    await store.close();
    const later = await signs.gauges();
    expect(valueOf(later, 'tachograph_store_up')).toBe(0);
    expect(valueOf(later, 'tachograph_backlog_bytes')).toBeGreaterThan(100);
    expect(valueOf(later, 'tachograph_seals_waiting')).toBeUndefined();
    signs.close();
  });
});

describe('waiting for a store', () => {
  it('answers with the reason, tells each reason once, and goes on when it is put right', async () => {
    const { log, events } = silentLog();
    const room = createWaitingRoom('1.0');
    const reasons = ['down', 'down', 'no schema'];
    const open = async (): Promise<string> => {
      const reason = reasons.shift();
      if (reason !== undefined) throw new TachographError('store-broken', reason);
      const refused = await room(new Request('http://localhost/api/v1/runs'));
      expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('no schema')]);
      expect((await room(new Request('http://localhost/healthz'))).status).toBe(200);
      return 'open';
    };
    const never = new Promise(() => undefined);
    expect(await waitForStore(open, { room, log, stopped: never, everyMs: 1 })).toBe('open');
    expect(events).toEqual(['store-waiting', 'store-waiting', 'store-ready']);
  });

  it('ends when it is stopped, and at once for what waiting cannot put right', async () => {
    const { log } = silentLog();
    const room = createWaitingRoom('1.0');
    const fail = (code: 'store-busy' | 'home-unusable') => async (): Promise<string> => {
      throw new TachographError(code, 'no');
    };
    expect(await waitForStore(fail('store-busy'), { room, log, stopped: Promise.resolve() })).toBeNull();
    const refused = waitForStore(fail('home-unusable'), { room, log, stopped: new Promise(() => undefined) });
    await expect(refused).rejects.toThrow('no');
  });
});

describe('work with a limit', () => {
  it('is waited for, and not for ever', async () => {
    expect(await isDoneWithin(Promise.resolve(), 1000)).toBe(true);
    expect(await isDoneWithin(new Promise(() => undefined), 5)).toBe(false);
    await expect(isDoneWithin(Promise.reject(new Error('no')), 1000)).rejects.toThrow('no');
  });
});
