// Agents for the tests of workers. Every step that is really done leaves a line in the file of its input.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const note = ({ file }, line) => file !== undefined && appendFileSync(file, `${line}\n`);

export const agents = {
  stepper: async (run, context) => {
    const { input } = run;
    const done = [];
    for (let number = 1; number <= input.steps; number += 1)
      done.push(
        await context.step(`step ${number}`, async () => {
          if (number > 1) await sleep(input.stepMs ?? 0, undefined, { signal: context.signal });
          note(input, `${number}`);
          return number;
        }),
      );
    return { done, attempt: run.attempt };
  },
  failing: {
    version: 'f1',
    retry: { isRetryable: () => false },
    tools: [
      { name: 'look', class: 'read', environments: [], synthetic: null },
      { name: 'send', class: 'destructive', environments: [], synthetic: null },
    ],
    run: async (run, context) => {
      await context.step('before', () => note(run.input, 'before'));
      if (!(run.input.isMended ?? false)) throw new Error('nothing helps');
    },
  },
  waiting: async (_run, context) => ({ heard: await context.waitForSignal('go', { timeoutMs: 60_000 }) }),
};
