/** Everything an iterable gives, in order. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/** A stream of these items, given only as they are asked for. */
export function streamOf<T>(items: readonly T[]): ReadableStream<T> {
  let at = 0;
  return new ReadableStream<T>(
    {
      pull(controller) {
        if (at < items.length) controller.enqueue(items[at++]!);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Resolves once the condition holds; fails after ten seconds, saying what was waited for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 2));
  }
}
