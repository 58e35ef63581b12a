import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { generateText, streamText } from 'ai';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { providerError } from '../../../../test/playback/fixtures.ts';
import type { Turn } from '../../../../test/playback/scripted-model.ts';
import { createScriptedModel, say } from '../../../../test/playback/scripted-model.ts';
import type { MixtureOptions } from '../index.ts';
import { mixtureOfAgents } from '../index.ts';
import { appendTrace } from './file.ts';
import { sessionToFileName } from './file-name.ts';
import { expandFolder, toTraceFolder } from './folder.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;
let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'moa-trace-'))));
afterEach(() => rmSync(home, { recursive: true }));

const folder = (): string => join(home, 'moa-traces');
const lines = (name: string): Record<string, unknown>[] =>
  readFileSync(join(folder(), name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function mixture(turns: readonly Turn[], more: Partial<MixtureOptions<LanguageModelV4>> = {}) {
  return mixtureOfAgents<LanguageModelV4>({
    references: [
      createScriptedModel([say('Say yes, ada@example.com.')]),
      createScriptedModel([{ error: providerError(400) }]),
    ],
    aggregator: createScriptedModel(turns),
    recorder: null,
    home,
    sessionId: 's-1',
    traces: { saveTraces: true, traceDir: null },
    clock: { nowMs: () => 1_700_000_000_250, monotonicMs: () => 0 },
    ...more,
  });
}

describe('file names', () => {
  test('two sessions never share a file, whatever their ids and however often it was rotated', () => {
    const id = fc.oneof(
      fc.option(fc.string({ maxLength: 120 })),
      fc.constantFrom('a', 'A', 'a~1', '.a', 'unknown-session', 'unknown-session~1', 'a/b', 'a-b', 'ä', '', 'a.jsonl'),
    );
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(id, fc.integer({ min: 0, max: 999 }), (session, rotation) => {
        const name = sessionToFileName(session, rotation);
        expect(name).toMatch(/^[a-z0-9_-][a-z0-9._~-]*\.jsonl$/);
        expect(name.length).toBeLessThanOrEqual(120);
        const of = JSON.stringify([session, rotation]);
        expect(seen.get(name) ?? of).toBe(of);
        seen.set(name, of);
      }),
      { numRuns: 2000 },
    );
  });

  test('is the id itself when that is harmless, else cleaned with a digest', () => {
    expect(sessionToFileName('chat_7.b-c', 0)).toBe('chat_7.b-c.jsonl');
    expect(sessionToFileName('chat_7.b-c', 2)).toBe('chat_7.b-c~2.jsonl');
    expect(sessionToFileName('../Etc', 0)).toMatch(/^etc~[0-9a-f]{12}\.jsonl$/);
    expect(sessionToFileName(null, 0)).toBe('unknown-session.jsonl');
    expect(sessionToFileName('unknown-session', 0)).toMatch(/^unknown-session~[0-9a-f]{12}\.jsonl$/);
  });
});

describe('files', () => {
  test('are only their owner’s, rotate by size, and follow no link', () => {
    const place = { folder: folder(), sessionId: 's', bytesMax: 20 };
    for (const line of ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']) appendTrace(place, line);
    expect(readdirSync(folder()).toSorted()).toEqual(['s.jsonl', 's~1.jsonl']);
    expect(lines('s~1.jsonl')).toEqual([{ a: 3 }, { a: 4 }]);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder(), 's.jsonl')).mode & 0o777).toBe(0o600);
    writeFileSync(join(home, 'other'), '');
    symlinkSync(join(home, 'other'), join(folder(), 'linked.jsonl'));
    expect(() => appendTrace({ ...place, sessionId: 'linked' }, '{}')).toThrow();
    expect(readFileSync(join(home, 'other'), 'utf8')).toBe('');
  });

  test('the folder knows ~ and variables, and guesses none that is not set', () => {
    const variables = { HOME: '/home/ada', WHERE: 'there' };
    expect(expandFolder('~/traces', variables)).toBe('/home/ada/traces');
    expect(expandFolder('/x/$WHERE/${WHERE}', variables)).toBe('/x/there/there');
    expect(() => expandFolder('/x/$NOWHERE', variables)).toThrow('NOWHERE is not set');
    expect(toTraceFolder(null, '/data', {})).toBe(join('/data', 'moa-traces'));
    expect(toTraceFolder(null, null, {})).toBeNull();
  });
});

describe('a line', () => {
  test('tells the fan-out and its aggregator, with unknown as null', async () => {
    await generateText({ model: mixture([say('Yes.')]), prompt: 'May I?', temperature: 0.3 });
    const [line, ...others] = lines('s-1.jsonl');
    expect(others).toEqual([]);
    const cost = { cost_usd: null, cost_status: 'unknown', cost_source: 'none' };
    const usage = {
      ...{ input_tokens: 10, output_tokens: 5 },
      ...{ cache_read_tokens: 3, cache_write_tokens: null, reasoning_tokens: 1 },
    };
    const model = { label: 'scripted:scripted-1', model: 'scripted-1', provider: 'scripted' };
    const nothing = Object.fromEntries(Object.keys(usage).map((name) => [name, null]));
    const input_messages = expect.arrayContaining([
      { role: 'user', content: [{ type: 'text', text: 'May I?' }] },
    ]) as unknown;
    expect(line).toEqual({
      ts: 1_700_000_000.25,
      session_id: 's-1',
      preset: 'default',
      references: [
        { ...model, temperature: null, input_messages, output: 'Say yes, ada@example.com.', usage, ...cost },
        {
          ...{ ...model, temperature: null, input_messages, output: null, usage: nothing },
          ...{ cost_usd: 0, cost_status: 'estimated', cost_source: 'price-table' },
        },
      ],
      aggregator: {
        ...{ ...model, temperature: 0.3, input_messages, output: 'Yes.', usage, ...cost },
        ...{ streamed: false, output_location: 'inline' },
      },
    });
    expect(JSON.stringify((line!['aggregator'] as { input_messages: unknown }).input_messages)).toContain(
      'mixture-of-agents',
    );
  });

  test.each([
    [false, 'inline_from_stream', 'Yes.'],
    [true, 'assistant_message_in_session_db', null],
  ])('of a stream, kept by the session: %s', async (isOutputKeptBySession, output_location, output) => {
    await streamText({ model: mixture([say('Yes.')], { isOutputKeptBySession }), prompt: 'May I?' }).consumeStream();
    expect(lines('s-1.jsonl')).toMatchObject([{ aggregator: { streamed: true, output_location, output } }]);
  });

  test('is written once the aggregator has answered after a retry, and when it failed for good', async () => {
    const model = mixture([{ error: providerError(503) }, say('Yes.'), { error: providerError(400) }]);
    await generateText({ model, prompt: 'May I?' });
    expect(lines('s-1.jsonl')).toMatchObject([{ aggregator: { output: 'Yes.' } }]);
    await expect(generateText({ model, prompt: 'And now?' })).rejects.toThrow();
    expect(lines('s-1.jsonl')).toMatchObject([{}, { aggregator: { output: null } }]);
  });

  test('is written when the aggregator was aborted, and when its caller never tries again', async () => {
    const leaving = new AbortController();
    const leave: Turn = () => {
      leaving.abort();
      return { error: leaving.signal.reason as unknown };
    };
    const aborted = generateText({ model: mixture([leave]), prompt: 'One', abortSignal: leaving.signal });
    await expect(aborted).rejects.toThrow();
    expect(lines('s-1.jsonl')).toMatchObject([{ references: [{}, {}], aggregator: { output: null } }]);
    const model = mixture([{ error: providerError(503) }, say('Yes.')]);
    await expect(generateText({ model, prompt: 'Two', maxRetries: 0 })).rejects.toThrow();
    expect(lines('s-1.jsonl')).toHaveLength(1);
    const prompt = [
      { role: 'user' as const, content: 'Two' },
      { role: 'assistant' as const, content: 'Never mind.' },
    ];
    await generateText({ model, messages: prompt });
    expect(lines('s-1.jsonl')).toHaveLength(2);
  });

  test('the same advice used again is no second line, and a provider without usage leaves its trace', async () => {
    const bare = createScriptedModel([say('Yes.')]);
    const silent: LanguageModelV4 = {
      ...bare,
      doGenerate: async (options: Parameters<typeof bare.doGenerate>[0]) => {
        const none = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
        const usage = { inputTokens: none, outputTokens: { total: undefined, text: undefined, reasoning: undefined } };
        return { ...(await bare.doGenerate(options)), usage };
      },
    };
    const model = mixture([], { references: [silent], aggregator: silent });
    await generateText({ model, prompt: 'May I?' });
    await generateText({ model, prompt: 'May I?' });
    const written = lines('s-1.jsonl');
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({
      references: [{ output: 'Yes.', usage: { input_tokens: null }, cost_usd: null }],
    });
  });

  test('credentials are never written, personal data not under privacy', async () => {
    const key = 'sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdo';
    await generateText({ model: mixture([say('Yes.')]), prompt: `Use ${key} for ada@example.com` });
    const open = readFileSync(join(folder(), 's-1.jsonl'), 'utf8');
    expect(open).not.toContain(key);
    expect(open).toContain('ada@example.com');
    await generateText({ model: mixture([say('Yes.')], { privacy: 'display', sessionId: 's-2' }), prompt: 'x' });
    expect(readFileSync(join(folder(), 's-2.jsonl'), 'utf8')).not.toContain('ada@example.com');
  });
});

describe('switched off or broken', () => {
  test('off is no file; the settings are read at every fan-out', async () => {
    let saveTraces = false;
    const model = mixture([say('Yes.')], { traces: () => ({ saveTraces, traceDir: null }) });
    await generateText({ model, prompt: 'One' });
    expect(readdirSync(home)).toEqual([]);
    saveTraces = true;
    await generateText({ model, prompt: 'Two' });
    expect(lines('s-1.jsonl')).toHaveLength(1);
  });

  test('the file of the data folder switches them on', async () => {
    const model = mixture([say('Yes.')], { traces: undefined });
    writeFileSync(join(home, 'moa.json'), JSON.stringify({ saveTraces: true, traceDir: join(home, 'moa-traces') }));
    await generateText({ model, prompt: 'One' });
    expect(lines('s-1.jsonl')).toHaveLength(1);
  });

  test('a failure to write is told and touches no turn', async () => {
    const complaints: unknown[] = [];
    writeFileSync(folder(), 'in the way');
    const model = mixture([say('Yes.')], { onError: (error) => void complaints.push(error) });
    expect((await generateText({ model, prompt: 'One' })).text).toBe('Yes.');
    expect(complaints).toHaveLength(1);
  });
});
