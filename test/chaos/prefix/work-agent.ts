import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HandledRun, RunContext } from '../../../src/cli/work/open-work.ts';

/** Where a handler is stopped by whoever made it, and what it says there. */
export interface WorkStops {
  /** One line for each thing done to the world. */
  readonly done: string;
  /** Told of what is remembered from now on. */
  readonly remembered: (run: HandledRun, name: string) => void;
  /** Between two remembered steps. */
  readonly behind: (name: string, run: HandledRun, context: RunContext) => Promise<void> | void;
}

/** Work of three remembered steps and a tool that takes idempotency keys. */
export async function doWork(run: HandledRun, context: RunContext, stops: WorkStops): Promise<unknown> {
  const once = async (name: string): Promise<number> => {
    const value = await context.step(name, () => {
      appendFileSync(stops.done, `did ${name} ${run.id}\n`);
      return name.length;
    });
    stops.remembered(run, name);
    return value;
  };
  const first = await once('first');
  const note = await context.tool(
    'note',
    { first },
    (_args, { idempotencyKey }) => {
      try {
        writeFileSync(join(`${stops.done}.keys`, idempotencyKey), '', { flag: 'wx' });
        appendFileSync(stops.done, `did note ${run.id}\n`);
      } catch (error) {
        // Whoever gets a key twice does it once.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      return { noted: first };
    },
    { class: 'idempotent' },
  );
  stops.remembered(run, 'note');
  await stops.behind('note', run, context);
  const second = await once('second');
  await stops.behind('second', run, context);
  const third = await once('third');
  return { note, sum: first + second + third };
}
