import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { query } from '@anthropic-ai/claude-agent-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { recordedHeader as proxyHeader } from '../proxy/headers.ts';
import { createRecordingProxy } from '../proxy/index.ts';
import { toOwnUpstream } from '../proxy/upstreams.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { recordedHeader, toMarkedEnvironment } from './proxied.ts';
import { onStrike, readAll, setStage, strike } from './stage.fixture.ts';

afterEach(strike);

const proxied = { TACHOGRAPH_PROXY_URL: 'http://127.0.0.1:9/proxy' };
const there = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9/proxy/anthropic' };

test('the mark goes to the recording proxy alone, beside headers of the user', () => {
  expect(recordedHeader).toBe(proxyHeader);
  expect(toMarkedEnvironment(undefined, {})).toBeNull();
  expect(toMarkedEnvironment(undefined, proxied)).toBeNull();
  expect(toMarkedEnvironment({ ANTHROPIC_BASE_URL: 'https://other.example' }, { ...proxied, ...there })).toBeNull();
  expect(toMarkedEnvironment(undefined, { ...proxied, ...there })).toMatchObject({
    ...there,
    ANTHROPIC_CUSTOM_HEADERS: 'x-tachograph-recorded: 1',
  });
  expect(toMarkedEnvironment({ ...there, ANTHROPIC_CUSTOM_HEADERS: 'x-own: a' }, proxied)).toMatchObject({
    ANTHROPIC_CUSTOM_HEADERS: 'x-own: a\nx-tachograph-recorded: 1',
  });
});

describe.skipIf(executable === null)('a query through the recording proxy', { timeout: 30_000 }, () => {
  test('is recorded once: by the query, and by the proxy only when the query is not', async () => {
    const { provider, recording, recorded, options } = await setStage((call) =>
      call.said.includes('tool_result')
        ? says('Done.')
        : asks([{ id: 'toolu_a', name: 'Bash', input: { command: 'echo hi' } }]),
    );
    const wire = createRecording();
    const proxy = createRecordingProxy({
      recorder: wire.recorder,
      upstreams: [toOwnUpstream('scripted', provider.url)],
    });
    const server = createServer((incoming, outgoing) => proxy.handle(incoming, outgoing));
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    onStrike(async () => {
      proxy.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/proxy`;
    const env = { ...options.env, TACHOGRAPH_PROXY_URL: url, ANTHROPIC_BASE_URL: `${url}/scripted` };
    await readAll(recorded({ prompt: 'Go.', options: { ...options, env } }));
    expect(provider.calls).toHaveLength(2);
    expect(provider.calls.every(({ headers }) => headers[recordedHeader] === undefined)).toBe(true);
    expect(recording.run().steps.map(({ kind }) => kind)).toEqual(['model', 'tool', 'model']);
    expect(wire.runs()).toEqual([]);
    await readAll(query({ prompt: 'Go.', options: { ...options, env } }));
    expect(wire.runs().flatMap(({ attempts }) => attempts)).toHaveLength(2);
  });
});
