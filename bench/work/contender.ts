/** A queue that is measured: it makes its own schema in an empty database. */
export interface Contender {
  readonly name: string;
  /** How its worker is set up, in a few words for the table. */
  readonly setting: string;
  open(place: { readonly url: string; readonly concurrency: number }): Promise<OpenContender>;
}

/** What a job does. `two-step`: two remembered steps, one after the other. */
export type Shape = 'empty' | 'two-step';

/** One contender in its database. A worker runs between `work` and `rest`. */
export interface OpenContender {
  /** Those it offers. */
  readonly shapes: readonly Shape[];
  /** Creates one job; resolves when it is in the database. */
  create(shape: Shape): Promise<void>;
  work(): Promise<void>;
  rest(): Promise<void>;
  /** Jobs that have not ended, as the database says. */
  waiting(): Promise<number>;
  close(): Promise<void>;
}

/** Runs `task` `count` times, at most `width` at once. */
export async function inParallel(count: number, width: number, task: () => Promise<void>): Promise<void> {
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await task();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
