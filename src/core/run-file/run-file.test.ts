import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { exportRun, sealRun, seedOf, storeWithRun } from '../../../test/run-file/sealed.ts';
import { createSealSigner, firstPrevious } from '../verify/seals.ts';
import { verifyStoredRun } from '../verify/verify.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { createWorld, toBatch } from '../../testing/index.ts';
import { lineToText } from './line.ts';
import { ForeignLine, parseLine } from './line-reading.ts';
import { judgeLine } from './judge.ts';
import { takeLine } from './take.ts';
import type { RunFileReport } from './reader.ts';
import { createRunFileReader, verifyRunFile } from './reader.ts';
import type { ReadState } from './state.ts';
import { createReadState } from './state.ts';
import { createRunFileSigner, keyToFingerprint } from './signature.ts';

const verify = (file: Buffer, keys?: readonly string[]): Promise<RunFileReport> =>
  verifyRunFile([file], { name: 'run.tgr', ...(keys === undefined ? {} : { keys }) });

const publicKeyOf = (byte: number): string => createSealSigner(seedOf(byte)).publicKey;

/** Lines of a file without their line feeds. */
function linesOf(file: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < file.length;) {
    const at = file.indexOf(10, from);
    lines.push(file.subarray(from, at));
    from = at + 1;
  }
  return lines;
}

const join = (lines: readonly Buffer[]): Buffer => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));

const noDigest = (): string => '';

/** The n that an error or verdict of a file names; `null` when it names none. */
function namedN(outcome: RunFileReport | Error): number | null {
  if (outcome instanceof Error) return Number(/at event (\d+)/.exec(outcome.message)?.[1] ?? Number.NaN) || null;
  return outcome.verdict.intact.n;
}

const outcomeOf = (file: Buffer): Promise<RunFileReport | Error> => verify(file).catch((error: Error) => error);

describe('a run file', () => {
  it('says of a record what the store says of it', async () => {
    const { store, runId } = await storeWithRun(5);
    const unsealed = await verify(await exportRun(store, runId));
    expect(unsealed.verdict).toEqual(
      await verifyStoredRun(store, { projectId: 'default', runId }, { publicKey: null, head: null }),
    );
    expect(unsealed.verdict.intact.verdict).toBe('unsealed');
    await sealRun(store, runId);
    const sealed = await verify(await exportRun(store, runId));
    expect(sealed.verdict).toEqual(
      await verifyStoredRun(store, { projectId: 'default', runId }, { publicKey: null, head: null }),
    );
    expect(sealed.verdict).toMatchObject({
      intact: { verdict: 'intact' },
      complete: { verdict: 'complete' },
      seals: 1,
    });
  });

  it('carries the record into another store word for word, and comes out of it as it went in', async () => {
    const { store, runId, entries } = await storeWithRun(7);
    await sealRun(store, runId);
    const file = await exportRun(store, runId);
    for (const size of [1, 7, 1000, file.length]) {
      const reader = createRunFileReader({ name: 'run.tgr' });
      const read = [];
      for (let at = 0; at < file.length; at += size) read.push(...reader.push(file.subarray(at, at + size)));
      const { seals, closing } = reader.finish();
      expect(read.map(({ event }) => event)).toEqual(
        entries.map(({ event }) => ({
          ...event,
          salt: Buffer.from(event.salt!),
          digest: Buffer.from(event.digest),
          hash: Buffer.from(event.hash),
        })),
      );
      const other = createMemoryStore();
      await other.initialize();
      await other.importBatch(toBatch(read));
      expect(await other.getRun('default', runId)).toEqual(await store.getRun('default', runId));
      expect(await other.listSteps('default', runId)).toEqual(await store.listSteps('default', runId));
      const origin = { projectId: 'default', seals, closing: closing! };
      expect((await exportRun(other, runId, { byte: 2, origin })).equals(file)).toBe(true);
    }
  });

  it('of a grown import bears the seals of both keys', async () => {
    const { store, runId } = await storeWithRun(2);
    await sealRun(store, runId);
    const { seals, closing } = await verify(await exportRun(store, runId));
    const other = createWorld().run({ id: runId, writerId: 'b'.repeat(16) });
    await store.importBatch(toBatch(other.entries.slice(0, 1)));
    await sealRun(store, runId, 2);
    const own = (await store.listSeals('default', runId)).filter(({ publicKey }) => publicKey === publicKeyOf(2));
    const grown = { ...store, listSeals: async () => own };
    const file = await exportRun(grown, runId, { byte: 2, origin: { projectId: 'default', seals, closing: closing! } });
    expect((await verify(file)).verdict).toMatchObject({ intact: { verdict: 'intact' }, seals: 2 });
    expect((await verify(file, [publicKeyOf(1)])).verdict.intact.verdict).toBe('bad-signature');
    expect((await verify(file, [publicKeyOf(1), publicKeyOf(2)])).verdict.intact.verdict).toBe('intact');
  });

  it('demands a key when told to, by its digits or its fingerprint', async () => {
    const { store, runId } = await storeWithRun(1);
    await sealRun(store, runId);
    const file = await exportRun(store, runId);
    const fingerprint = keyToFingerprint(publicKeyOf(1));
    expect(fingerprint).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
    for (const key of [publicKeyOf(1), publicKeyOf(1).toUpperCase(), fingerprint])
      expect((await verify(file, [key])).verdict.intact.verdict).toBe('intact');
    expect((await verify(file, [publicKeyOf(2)])).verdict.intact.verdict).toBe('bad-signature');
    expect((await verify(file, [''])).verdict.intact.verdict).toBe('bad-signature');
  });

  it('finds what somebody without the key made of it, whatever was computed anew', async () => {
    const { store, runId } = await storeWithRun(3);
    await sealRun(store, runId);
    const forged = await exportRun(store, runId, { byte: 9 });
    expect((await verify(forged)).verdict.intact).toMatchObject({ verdict: 'bad-signature' });
    const edited = createMemoryStore();
    const seals = await store.listSeals('default', runId);
    const events = (await store.listEvents('default', runId)).map((event) =>
      event.header.n === 4 ? { ...event, header: { ...event.header, timeMs: event.header.timeMs + 1 } } : event,
    );
    await edited.initialize();
    const changed = {
      ...store,
      listEvents: async (_p: string, _r: string, options?: { fromSeq?: number }) =>
        (options?.fromSeq ?? 1) > 1 ? [] : events,
      listSeals: async () => seals,
    };
    expect((await verify(await exportRun(changed, runId))).verdict.intact).toMatchObject({ verdict: 'edited', n: 4 });
    const shortened = { ...changed, listEvents: async () => events.slice(0, 3) };
    expect((await verify(await exportRun(shortened, runId))).verdict.intact).toMatchObject({
      verdict: 'truncated',
      n: 4,
    });
  });

  it('finds a chain that was written anew under the seal of another', async () => {
    const { store, runId } = await storeWithRun(2);
    const seal = await sealRun(store, runId);
    const { n } = (await store.listWriters('default', runId))[0]!;
    const rewritten = createMemoryStore();
    await rewritten.initialize();
    const twin = createWorld().run({ id: runId, agentId: 'another' });
    while (twin.entries.length < n) twin.emit('log', { payload: { type: 'filler' } });
    await rewritten.importBatch(toBatch(twin.entries));
    const file = await exportRun({ ...rewritten, listSeals: async () => [seal] }, runId);
    expect((await verify(file)).verdict.intact).toMatchObject({ verdict: 'edited', n });
  });

  it('proves nothing when it is empty', async () => {
    const line = lineToText({
      kind: 'manifest',
      manifest: {
        projectId: 'default',
        runId: '019a9f3e-1b2c-7000-8000-000000000000',
        rootRunId: '019a9f3e-1b2c-7000-8000-000000000000',
        writers: [],
        seals: 0,
      },
    });
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(`${line}\n`).digest('hex');
    const end = lineToText({ kind: 'end', closing: createRunFileSigner(seedOf(1)).close(digest) });
    expect((await verify(Buffer.from(`${line}\n${end}\n`))).verdict.intact.verdict).toBe('no-events');
    await expect(verify(Buffer.alloc(0))).rejects.toMatchObject({ code: 'export-foreign' });
  });

  it('writes the lost as lost, the late in its place, the erased as erased', async () => {
    const run = createWorld()
      .run({ agentId: 'agent' })
      .step({ messages: [{ role: 'user', content: 'a' }] })
      .end();
    const late = createMemoryStore();
    await late.initialize();
    const [first, second, ...rest] = run.entries;
    await late.importBatch(toBatch([first!, ...rest]));
    expect((await verify(await exportRun(late, run.id))).verdict).toMatchObject({
      intact: { verdict: 'missing', n: 2 },
      complete: { lost: 1 },
    });
    await late.importBatch(toBatch([second!]));
    await sealRun(late, run.id);
    expect((await verify(await exportRun(late, run.id))).verdict.intact.verdict).toBe('intact');
    await late.eraseRun('default', run.id);
    const erased = await verify(await exportRun(late, run.id));
    expect(erased.verdict.intact).toMatchObject({ verdict: 'edited', n: 1, erased: run.entries.length });
    expect(erased.verdict.intact.message).toContain('no seal tells of an erasure');
    const [seal] = await late.listSeals('default', run.id);
    const told = createSealSigner(seedOf(1)).sign({
      ...seal!,
      number: 2,
      previous: firstPrevious,
      writers: seal!.writers.map((writer) => ({ ...writer, erased: writer.count })),
    });
    const file = await exportRun({ ...late, listSeals: async () => [seal!, told] }, run.id);
    expect((await verify(file)).verdict.intact).toMatchObject({ verdict: 'intact', erased: run.entries.length });
    expect(file.toString()).not.toContain('agent');
  });

  it('tells of a change behind a loss, so that nobody takes it in', async () => {
    const run = createWorld()
      .run({ agentId: 'agent' })
      .step({ messages: [{ role: 'user', content: 'a' }] })
      .end();
    const store = createMemoryStore();
    await store.initialize();
    const [first, , ...rest] = run.entries;
    await store.importBatch(toBatch([first!, ...rest]));
    const honest = await verify(await exportRun(store, run.id));
    expect(honest).toMatchObject({ change: null, verdict: { intact: { verdict: 'missing' } } });
    const content = createWorld().content('output', 'true');
    const forged = { ...content, bytes: Buffer.from('"false"') };
    const extra = createWorld()
      .run({ id: run.id, writerId: 'c'.repeat(16) })
      .emit('step-end', { payload: { response: content.id }, contents: [forged] });
    await store.importBatch(toBatch(extra.entries));
    const poisoned = await verify(await exportRun(store, run.id));
    expect(poisoned.verdict.intact.verdict).toBe('missing');
    expect(poisoned.change).toMatchObject({ verdict: 'edited' });
  });

  it('names a content that the store has lost', async () => {
    const { store, runId } = await storeWithRun(2);
    await sealRun(store, runId);
    const poor = { ...store, readContents: async () => [] };
    const { verdict } = await verify(await exportRun(poor, runId));
    expect(verdict.intact.verdict).toBe('missing');
    const odd = { ...store, readContextNodes: async () => [] };
    expect((await verify(await exportRun(odd, runId))).verdict.intact.verdict).toBe('missing');
  });
});

describe('a run file of 1,000 events', () => {
  let file: Buffer;
  let lines: Buffer[];
  /** Index of the line of event n, from 1. */
  const eventLines: number[] = [];

  beforeAll(async () => {
    const { store, runId, entries } = await storeWithRun(166);
    expect(entries.length).toBeGreaterThanOrEqual(998);
    await sealRun(store, runId);
    file = await exportRun(store, runId);
    lines = linesOf(file);
    lines.forEach((line, index) => {
      if (line.toString().startsWith('["event"')) eventLines.push(index);
    });
    expect((await verify(file)).verdict.intact.verdict).toBe('intact');
  });

  const nOf = (index: number): number => eventLines.filter((line) => line < index).length + 1;

  it('is refused for every single byte changed, and names the event', async () => {
    const state = createReadState();
    const wrong: string[] = [];
    // Nearly a million refusals: where in the reader each comes from is of no interest.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    onTestFinished(() => void (Error.stackTraceLimit = stackTraceLimit));
    for (const [index, line] of lines.entries()) {
      const isAlone = index === 0 || index === lines.length - 1;
      const n = nOf(index);
      const tried = Buffer.from(line);
      for (let at = 0; at < line.length && !isAlone; at += 1) {
        // Each byte once, by a bit that moves along; every sixteenth also by a line feed, which ends the line there.
        for (const value of at % 16 === 0 ? [line[at]! ^ 1, 10] : [line[at]! ^ (1 << (at % 8))]) {
          tried[at] = value;
          const judged = judgeOf(state, value === 10 ? tried.subarray(0, at) : tried);
          if (judged === null) wrong.push(`line ${index} byte ${at} as ${value}`);
          else if (judged.n !== null && judged.n !== n)
            wrong.push(`line ${index} byte ${at} names event ${judged.n}, not ${n}`);
        }
        tried[at] = line[at]!;
      }
      // The line feed itself: two lines become one.
      if (!isAlone) expect(judgeOf(state, Buffer.concat([line, Buffer.from(' '), lines[index + 1]!]))).not.toBeNull();
      if (index < lines.length - 1) takeLine(state, judgeLine(state, line, noDigest));
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('is refused for every byte of its first and last line changed', async () => {
    const small = await storeWithRun(1).then(async ({ store, runId }) => {
      await sealRun(store, runId);
      return exportRun(store, runId);
    });
    const ends = linesOf(small);
    const tail = small.length - ends.at(-1)!.length - 1;
    for (let at = 0; at < small.length; at += 1) {
      if (at > ends[0]!.length && at < tail - 1) continue;
      const tried = Buffer.from(small);
      tried[at]! ^= 1;
      const outcome = await outcomeOf(tried);
      const isRefused = outcome instanceof Error || outcome.verdict.intact.verdict === 'bad-signature';
      expect(isRefused, `byte ${at}`).toBe(true);
    }
  });

  it('is refused for every event dropped, doubled or swapped with the next, and names it', () => {
    const wrong: string[] = [];
    const state = createReadState();
    for (const [index, line] of lines.entries()) {
      const at = eventLines.indexOf(index);
      const here = at + 1;
      if (at >= 0 && here < eventLines.length) {
        // Dropped with what belongs to it: the next one comes in its place. Swapped: that is how it begins.
        const trial = structuredClone(state);
        clearPending(trial);
        let outcome: { n: number | null } | null = null;
        for (let next = index + 1; next <= eventLines[here]! && outcome === null; next += 1)
          outcome = tryTake(trial, lines[next]!);
        if (outcome === null || (outcome.n !== null && outcome.n !== here))
          wrong.push(`event ${here} dropped: ${outcome?.n}`);
      }
      if (index < lines.length - 1) takeLine(state, judgeLine(state, line, noDigest));
      if (at >= 0) {
        const doubled = judgeOf(state, line);
        if (doubled === null) wrong.push(`event ${here} doubled`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('is refused for every tail cut, at every line and inside every line', () => {
    const reader = createRunFileReader({ name: 'run.tgr' });
    const wrong: number[] = [];
    for (const [index, line] of lines.slice(0, -1).entries()) {
      reader.push(line);
      if (!isCut(reader)) wrong.push(index + 0.5);
      reader.push(Buffer.from('\n'));
      if (!isCut(reader)) wrong.push(index);
    }
    expect(wrong).toEqual([]);
  });

  it('gives the same answers when read whole', async () => {
    for (let at = 7; at < file.length; at += Math.floor(file.length / 60)) {
      const tried = Buffer.from(file);
      tried[at]! ^= 1;
      const outcome = await outcomeOf(tried);
      if (!(outcome instanceof Error)) expect(outcome.verdict.intact.verdict).not.toBe('intact');
    }
    for (const at of [1, 2, 500, 900]) {
      const index = eventLines[at]!;
      const dropped = join(lines.toSpliced(index, 1));
      const doubled = join(lines.toSpliced(index, 0, lines[index]!));
      const swapped = join(lines.toSpliced(index, 2, lines[index + 1]!, lines[index]!));
      for (const tried of [dropped, doubled, swapped]) {
        const outcome = await outcomeOf(tried);
        expect(outcome instanceof Error || outcome.verdict.intact.verdict !== 'intact').toBe(true);
        expect([at + 1, at + 2]).toContain(namedN(outcome));
      }
    }
  });

  it('is refused with anything behind its end', async () => {
    for (const tail of ['\n', ' ', '{}', lines.at(-1)!.toString(), `${lines.at(-1)!.toString()}\n`, '\0'])
      await expect(verify(Buffer.concat([file, Buffer.from(tail)]))).rejects.toThrow(/behind the last line/);
  });

  function judgeOf(state: ReadState, line: Buffer): { n: number | null } | null {
    try {
      const { finding } = judgeLine(state, line, noDigest);
      return finding === null ? null : { n: finding.n };
    } catch (error) {
      if (error instanceof ForeignLine) return { n: null };
      throw error;
    }
  }

  function tryTake(state: ReadState, line: Buffer): { n: number | null } | null {
    const judged = judgeOf(state, line);
    if (judged === null) takeLine(state, judgeLine(state, line, noDigest));
    return judged;
  }

  function clearPending(state: ReadState): void {
    state.pending = [];
    state.pendingContentIds.clear();
    state.pendingDepthByNode.clear();
  }

  function isCut(reader: ReturnType<typeof createRunFileReader>): boolean {
    try {
      reader.finish();
      return false;
    } catch {
      // Refused, as it should be.
      return true;
    }
  }
});

describe('a line', () => {
  it('has one form only', () => {
    const good = '["absent","content","' + 'a'.repeat(64) + '"]';
    expect(lineToText(parseLine(Buffer.from(good)))).toBe(good);
    for (const other of [
      ` ${good}`,
      `${good} `,
      good.replace(',', ', '),
      good.replace('absent', '\\u0061bsent'),
      good.replace(']', ',1]'),
      `${good}\r`,
      `\ufeff${good}`,
    ])
      expect(() => parseLine(Buffer.from(other)), other).toThrow(ForeignLine);
  });

  it('keeps bytes that are no text, and takes no other form of them', () => {
    const content = {
      id: 'b'.repeat(64),
      salt: Buffer.alloc(16),
      kind: 'body' as const,
      bytes: Buffer.from([0xff, 0x41, 0x00]),
    };
    const text = lineToText({ kind: 'content', content });
    expect(text.startsWith('["bytes"')).toBe(true);
    expect(parseLine(Buffer.from(text))).toEqual({ kind: 'content', content });
    expect(() => parseLine(Buffer.from(text.replace('/0EA', '/0EB')))).not.toThrow();
    expect(() => parseLine(Buffer.from(text.replace('"bytes"', '"content"')))).not.toThrow();
    const plain = lineToText({ kind: 'content', content: { ...content, bytes: Buffer.from('abc') } });
    expect(() => parseLine(Buffer.from(plain.replace('"content"', '"bytes"').replace('"abc"', '"YWJj"')))).toThrow(
      ForeignLine,
    );
  });

  it('of a newer version says to update', () => {
    expect(() => parseLine(Buffer.from('["tachograph-run",2,"default"]'))).toThrow(/format version 2/);
  });

  it('takes no half a character and no other number text', () => {
    const header = '[1,\\"x\\"]';
    for (const line of [
      `["event","${header}","{}","${'0'.repeat(32)}","${'0'.repeat(64)}"]`,
      '["content","' + 'a'.repeat(64) + '","' + '0'.repeat(32) + '","body","\\ud800"]',
    ])
      expect(() => parseLine(Buffer.from(line))).toThrow(ForeignLine);
  });
});
