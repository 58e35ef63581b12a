import { describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatDelta, chatPath, post, until } from '../../../test/playback/loopback.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { createFetchCapture, ledgerOf, recordingFetch } from './index.ts';

const { origin, handlers, capture, undo } = await openHttpStage();

describe('where a call is recorded', () => {
  test('reuseStep makes retries of changed requests one step', async () => {
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      response
        .writeHead(tries === 1 ? 529 : 200, { 'content-type': 'application/json' })
        .end(tries === 1 ? '{}' : chatAnswer('b'));
    };
    const recording = capture();
    await recording.recorder.run({ agentId: 'a' }, () =>
      recording.recorder.reuseStep(async () => {
        await fetch(origin + chatPath, post(chatBody('a')));
        await (await fetch(origin + chatPath, post(chatBody('a', { temperature: 1 })))).text();
      }),
    );
    const { steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(attempts.map(({ retryClass }) => retryClass)).toEqual(['overloaded', null]);
    expect(steps[0]!.status).toBe('completed');
  });

  test('inside a tool it is a step under the tool, in its run', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    await recording.recorder.run({ agentId: 'a' }, async (run) => {
      const tool = run.tool({ name: 'ask' });
      await tool.within(async () => (await fetch(origin + chatPath, post(chatBody('a')))).text());
      tool.succeed('ok');
    });
    const { steps } = recording.run();
    expect(steps.map(({ kind }) => kind)).toEqual(['tool', 'model']);
    expect(steps[1]!.parentStepId).toBe(steps[0]!.id);
  });

  test('inside an open attempt it is that attempt, whatever the host, and the wire has the last word', async () => {
    handlers['/anything'] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}');
    const recording = createRecording();
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '' }).install());
    await recording.recorder.run({ agentId: 'a' }, async (run) => {
      const step = run.step({ kind: 'model', operation: 'generate' });
      const attempt = step.attempt();
      await step.within(async () =>
        (await fetch(`${origin}/anything?key=AIzaSyA0123456789012345678901234567890ab`, post('{"q":1}'))).text(),
      );
      expect([attempt.claimed, attempt.finished]).toEqual([true, true]);
      step.finish({ status: 'completed' });
    });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200, path: '/anything', method: 'POST' });
    expect(attempts[0]!.requestBody).toMatchObject({ bytes: 7 });
    expect(recording.everything()).not.toContain('AIzaSyA0123');
  });

  test('what a step withholds is withheld from the record of the wire', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('private answer'));
    const recording = createRecording();
    const run = recording.recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model', inputsWithheld: true });
    step.attempt();
    const record = recordingFetch(recording.recorder);
    const response = await step.within(() => record(origin + chatPath, post(chatBody('private words'))));
    step.withhold({ outputs: true });
    await response.text();
    const { attempts } = recording.run();
    expect(attempts[0]!.status).toBe('completed');
    expect([attempts[0]!.requestBody!.withheld, attempts[0]!.responseBody!.withheld]).toEqual([
      'not-recorded',
      'not-recorded',
    ]);
    expect(recording.everything()).not.toContain('private');
  });

  test('a step that has ended and is still in scope takes no more', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    const run = recording.recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model' });
    step.attempt().finish({ status: 'failed' });
    step.finish({ status: 'error' });
    await step.within(async () => (await fetch(origin + chatPath, post(chatBody('a')))).text());
    expect(recording.run().attempts.map(({ stepId }) => stepId === step.id)).toEqual([true, false]);
    expect(recording.run().steps[1]!.parentStepId).toBeNull();
  });

  test('an exchange of credentials inside an attempt leaves the attempt to the call', async () => {
    handlers['/oauth2/token'] = (_request, response) => void response.end('{"access_token":"t"}');
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    const run = recording.recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model' });
    step.attempt();
    await step.within(async () => {
      await (await fetch(`${origin}/oauth2/token`, { method: 'POST', body: 'x' })).text();
      await (await fetch(origin + chatPath, post(chatBody('a')))).text();
    });
    expect(recording.run().attempts.map(({ path }) => path)).toEqual([chatPath]);
  });

  test('calls that go on from an earlier one share its run; others do not', async () => {
    handlers[chatPath] = (_request, response, body) => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(chatAnswer(`re: ${messages.at(-1)!.content} ${messages.length}`));
    };
    const recording = capture();
    const talk = async (name: string, turns: number): Promise<void> => {
      const messages: object[] = [
        { role: 'system', content: 'S' },
        { role: 'user', content: 'hello' },
      ];
      for (let turn = 0; turn < turns; turn += 1) {
        const body = JSON.stringify({ model: 'gpt-9', messages });
        const answer = (await (await fetch(origin + chatPath, post(body))).json()) as {
          choices: { message: object }[];
        };
        messages.push(
          { ...answer.choices[0]!.message, content: `${name}${turn}` },
          { role: 'user', content: `${name} ${turn}` },
        );
      }
    };
    await talk('a', 3);
    await talk('b', 1);
    expect(recording.runs().map(({ steps }) => steps.length)).toEqual([3, 1]);
    expect(recording.runs()[0]!.steps.every(({ prefixBreak }) => prefixBreak === null)).toBe(true);
    for (const one of undo.splice(0)) one();
    expect(recording.runs().map(({ run }) => [run.status, run.endReason])).toEqual([
      ['completed', 'ok'],
      ['completed', 'ok'],
    ]);
  });

  test('conversations that begin alike are told apart by the answer they repeat', async () => {
    let calls = 0;
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer(`answer ${(calls += 1)}`));
    const recording = capture();
    const ask = async (messages: object[]): Promise<object> => {
      const answer = (await (
        await fetch(origin + chatPath, post(JSON.stringify({ model: 'm', messages })))
      ).json()) as { choices: { message: object }[] };
      return answer.choices[0]!.message;
    };
    const start = [{ role: 'user', content: 'same' }];
    const first = await ask(start);
    const second = await ask(start);
    await ask([...start, first, { role: 'user', content: 'one' }]);
    await ask([...start, second, { role: 'user', content: 'two' }]);
    expect(recording.runs().map(({ steps }) => recording.messages(steps[1]!).at(-1))).toEqual([
      { role: 'user', content: 'one' },
      { role: 'user', content: 'two' },
    ]);
  });

  test('idle conversations are closed by the sweep, and so are bodies nobody reads', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'unread' }));
    };
    const recording = createRecording();
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const record = recordingFetch(recording.recorder, undefined, { clock });
    const response = await record(origin + chatPath, post(chatBody('a', { stream: true })));
    const ledger = ledgerOf(recording.recorder);
    ledger.sweep();
    expect(recording.run().attempts[0]!.status).toBeNull();
    nowMs = 600_000;
    ledger.sweep();
    expect(recording.run().steps[0]!.status).toBe('interrupted');
    expect(recording.run().attempts[0]!.status).toBe('failed');
    expect(recording.run().run.status).toBe('running');
    nowMs += 300_000;
    ledger.sweep();
    expect(recording.run().run).toMatchObject({ status: 'failed', endReason: 'interrupted' });
    await response.body!.cancel();
  });

  test('a recording fetch in a recording process counts each request once', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    const record = recordingFetch(recording.recorder);
    await (await record(origin + chatPath, post(chatBody('a')))).text();
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(attempts[0]!.status).toBe('completed');
  });

  test('what is called in the scope of a request once it was answered is a call of its own', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    let later: Promise<string> | null = null;
    const record = recordingFetch(recording.recorder, async (input, init) => {
      setTimeout(() => {
        later = fetch(origin + chatPath, post(chatBody('later'))).then((response) => response.text());
      }, 50);
      return fetch(input, init);
    });
    await (await record(origin + chatPath, post(chatBody('first')))).text();
    await until(() => later !== null);
    await later;
    expect(recording.runs().map(({ attempts }) => attempts.length)).toEqual([1, 1]);
  });

  test('calls made while an answer is read are calls of their own', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    const outer = await fetch(origin + chatPath, post(chatBody('outer')));
    const inner = await fetch(origin + chatPath, post(chatBody('inner')));
    await Promise.all([outer.text(), inner.text()]);
    expect(recording.runs().map(({ attempts }) => attempts.length)).toEqual([1, 1]);
  });
});
