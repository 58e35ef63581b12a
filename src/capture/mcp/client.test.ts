import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/playback/loopback.ts';
import type { FoldedRun } from '../../core/import/fold.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { recordTransport } from './index.ts';
import type { Generation, Peer } from './peers.fixture.ts';
import { generations, newGeneration, oldGeneration } from './peers.fixture.ts';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

/** A client whose transport is recorded, connected to a server in this process that is not. */
async function connect(generation: Generation, recorder = createRecorder({ journal: null })): Promise<Peer> {
  const [near, far] = generation.memory();
  await generation.serve(far);
  const peer = generation.client();
  closings.push(() => peer.close());
  await peer.connect(recordTransport(near, recorder));
  return peer;
}

const named = ({ steps }: FoldedRun, name: string) => steps.filter((step) => step.name === name);
const logsOf = (recording: ReturnType<typeof createRecording>, type: string): Record<string, unknown>[] =>
  recording.journal.entries.flatMap(({ event }) => {
    const payload = JSON.parse(event.payload ?? 'null') as { type?: string; data?: Record<string, unknown> } | null;
    return event.header.type === 'log' && payload?.type === type
      ? [{ stepId: event.header.stepId, runId: event.header.runId, ...payload.data }]
      : [];
  });

describe.each(generations)('a client of $name', (generation) => {
  test('a connection in nobody’s run is a run of the server’s name', async () => {
    const recording = createRecording();
    const peer = await connect(generation, recording.recorder);
    await peer.listTools();
    await peer.call('add', { a: 2, b: 3 });
    await peer.close();
    const { run, steps } = recording.run();
    expect(run).toMatchObject({ agentId: 'calculator', name: 'MCP client', capture: 'mcp', status: 'completed' });
    const opening = generation === newGeneration ? 'server/discover' : 'initialize';
    expect(steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
      ['phase', opening, 'completed'],
      ['phase', 'tools/list', 'completed'],
      ['tool', 'add', 'completed'],
    ]);
    expect(steps.map(({ observedAfter }) => observedAfter)).toEqual([true, false, false]);
    expect(recording.content(steps[2]!.argsId)).toEqual({ a: 2, b: 3 });
    expect(recording.content(steps[2]!.resultId)).toMatchObject({ content: [{ type: 'text', text: '5' }] });
    expect(steps[2]).toMatchObject({
      resultStatus: 'success',
      metadata: { mcp: { side: 'client', direction: 'sent' } },
    });
    expect(JSON.stringify(recording.content(steps[1]!.resultId))).toContain('"description":"Adds"');
    expect(recording.complaints).toEqual([]);
  });

  test('the begin is written before the message leaves', async () => {
    const recording = createRecording();
    const [near, far] = generation.memory();
    const seen: unknown[] = [];
    const send = near.send.bind(near);
    near.send = (message, ...rest) => {
      const last = recording.journal.entries.at(-1)?.event.header;
      if ((message as { method?: string }).method === 'tools/call') seen.push([last?.type, message]);
      return send(message, ...rest);
    };
    await generation.serve(far);
    const peer = generation.client();
    closings.push(() => peer.close());
    await peer.connect(recordTransport(near, recording.recorder));
    await peer.call('add', { a: 1, b: 1 });
    expect(seen).toMatchObject([['step-start', { params: { name: 'add', arguments: { a: 1, b: 1 } } }]]);
  });

  test('eight agents at once, each with its own client, and eight that share one', async () => {
    const recording = createRecording();
    const { recorder } = recording;
    const shared = await connect(generation, recorder);
    const peers = await Promise.all(Array.from({ length: 8 }, () => connect(generation, recorder)));
    await Promise.all(
      peers.map((peer, index) =>
        recorder.run({ agentId: `agent-${index}` }, async (run) => {
          const phase = run.step({ kind: 'phase', name: 'work' });
          const answers = await phase.within(() =>
            Promise.all([peer.call('add', { a: index, b: 0 }), shared.call('add', { a: index, b: 100 })]),
          );
          expect(answers.map(({ content }) => content[0]!.text)).toEqual([`${index}`, `${index + 100}`]);
          phase.finish({ status: 'completed' });
        }),
      ),
    );
    for (let index = 0; index < 8; index += 1) {
      const folded = recording.runs().find(({ run }) => run.agentId === `agent-${index}`)!;
      const [phase] = named(folded, 'work');
      const added = named(folded, 'add');
      expect(added.map(({ parentStepId, status }) => [parentStepId, status])).toEqual([
        [phase!.id, 'completed'],
        [phase!.id, 'completed'],
      ]);
      expect(added.map(({ argsId }) => recording.content(argsId))).toEqual([
        { a: index, b: 0 },
        { a: index, b: 100 },
      ]);
    }
  });

  test('a tool that fails, a tool that is not there', async () => {
    const recording = createRecording();
    const peer = await connect(generation, recording.recorder);
    const answer = await peer.call('broken');
    expect(answer).toMatchObject({ isError: true });
    const missing = await peer.call('missing').catch((error: unknown) => error);
    const [broken] = named(recording.run(), 'broken');
    expect(broken).toMatchObject({ status: 'error', resultStatus: 'error', error: { message: 'it is broken' } });
    expect(recording.content(broken!.resultId)).toMatchObject({ isError: true });
    const [absent] = named(recording.run(), 'missing');
    expect(absent).toMatchObject({ status: 'error', error: { message: expect.stringContaining('missing') } });
    // The older package answers with a result that says so, the newer with an error.
    expect(missing instanceof Error).toBe(generation === newGeneration);
    expect(absent!.error).toMatchObject({ code: generation === newGeneration ? '-32602' : null });
  });

  test('an aborted call, a call past its deadline, a connection that closes', async () => {
    const recording = createRecording();
    const peer = await connect(generation, recording.recorder);
    const abort = new AbortController();
    const seen: unknown[] = [];
    const aborted = peer.call('slow', {}, { signal: abort.signal, onprogress: (told) => seen.push(told) });
    await until(() => seen.length > 0);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(peer.call('slow', {}, { timeout: 20 })).rejects.toThrow('timed out');
    const open = peer.call('slow');
    await until(() => named(recording.run(), 'slow').length === 3);
    await peer.close();
    await expect(open).rejects.toThrow('closed');
    const slow = named(recording.run(), 'slow');
    expect(slow.map(({ status }) => status)).toEqual(['interrupted', 'interrupted', 'interrupted']);
    expect(slow.map(({ error }) => error!.message)).toEqual([
      expect.stringContaining('enough'),
      expect.stringContaining('timed out'),
      expect.stringContaining('closed'),
    ]);
    expect(logsOf(recording, 'notifications/progress')).toMatchObject([{ stepId: slow[0]!.id, direction: 'received' }]);
    expect(recording.run().run.endReason).toBe('interrupted');
  });

  test('what the server asks back stands under the call, which stays one step', async () => {
    const recording = createRecording();
    const peer = await connect(generation, recording.recorder);
    const { content } = await peer.call('confirm', { what: 'launch' });
    expect(content[0]!.text).toBe('launch: true');
    const [confirm, ...others] = named(recording.run(), 'confirm');
    expect(others).toEqual([]);
    expect(confirm).toMatchObject({ kind: 'tool', status: 'completed' });
    expect(recording.content(confirm!.resultId)).toMatchObject({ content: [{ text: 'launch: true' }] });
    const [asked] = named(recording.run(), 'elicitation/create');
    expect(asked).toMatchObject({ kind: 'phase', status: 'completed', parentStepId: confirm!.id });
    expect(recording.content(asked!.requestId)).toMatchObject({ message: 'Sure?' });
    expect(recording.content(asked!.resultId)).toMatchObject({ action: 'accept', content: { sure: true } });
  });

  test('in a framework’s tool step of the same name the call is a phase, counted once', async () => {
    const recording = createRecording();
    const peer = await connect(generation, recording.recorder);
    await recording.recorder.run({ agentId: 'framework' }, async (run) => {
      const tool = run.tool({ name: 'add', args: { a: 1, b: 2 } });
      tool.succeed(await tool.within(() => peer.call('add', { a: 1, b: 2 })));
      expect(run.toolCallCount()).toBe(1);
    });
    const folded = recording.runs().find(({ run }) => run.agentId === 'framework')!;
    expect(folded.steps.map(({ kind, name }) => [kind, name])).toEqual([
      ['tool', 'add'],
      ['phase', 'tools/call'],
    ]);
    expect(folded.steps[1]).toMatchObject({ parentStepId: folded.steps[0]!.id, status: 'completed' });
  });

  test('a recorder that records nothing gives the transport back; another recorder’s run is not joined', async () => {
    const [near] = generation.memory();
    expect(recordTransport(near, createRecorder({ journal: null }))).toBe(near);
    const { recorder } = createRecording();
    const recorded = recordTransport(near, recorder);
    expect(recordTransport(recorded, recorder)).toBe(recorded);
    const own = createRecording();
    const peer = await connect(generation, own.recorder);
    await recorder.run({ agentId: 'other' }, () => peer.call('add', { a: 1, b: 1 }));
    expect(own.run().run.agentId).toBe('calculator');
  });
});

test('a server’s question to the client’s model is a phase where it is answered', async () => {
  const recording = createRecording();
  const peer = await connect(oldGeneration, recording.recorder);
  await peer.call('think');
  const [think] = named(recording.run(), 'think');
  const [sampling] = named(recording.run(), 'sampling/createMessage');
  expect(sampling).toMatchObject({ kind: 'phase', status: 'completed', parentStepId: think!.id });
  expect(recording.content(sampling!.resultId)).toMatchObject({ model: 'tiny-1' });
});
