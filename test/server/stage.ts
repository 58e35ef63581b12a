import type { Recorder } from '../../src/core/record/recording.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import { verifyStoredRun } from '../../src/core/verify/verify.ts';
import type { Store } from '../../src/core/store.ts';
import { createMemoryJournal } from '../../src/core/memory-journal.ts';
import type { Handler, HandlerOptions, RunNews } from '../../src/server/index.ts';
import { createHandler } from '../../src/server/index.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';

/** A store fed by a real recorder, and a handler over it. */
export interface Stage {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly handler: Handler;
  /** Failures that the handler called its own. */
  readonly errors: readonly unknown[];
  /** Moves what was recorded into the store. */
  publish(): Promise<void>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  json<T>(path: string): Promise<T>;
}

/** Everything a test may choose of its stage. */
export interface StageOptions extends Partial<HandlerOptions> {
  /** The indexer tells of each import, as it does in one process. */
  readonly withNews?: boolean;
}

/** Sets a stage. Its store is empty. */
export async function createStage(options: StageOptions = {}): Promise<Stage> {
  const { withNews = false, ...rest } = options;
  const store = rest.store ?? createMemoryStore();
  await store.initialize();
  const basket = createMemoryJournal();
  const recorder = createRecorder({ journal: basket });
  const projectId = rest.projectId ?? 'default';
  const listeners = new Set<(change: RunNews) => void>();
  const errors: unknown[] = [];
  const handler = createHandler({
    store,
    verify: (projectId, runId) => verifyStoredRun(store, { projectId, runId }, null),
    onError: (error) => void errors.push(error),
    pollMs: 10,
    news: withNews
      ? {
          subscribe(listener) {
            listeners.add(listener);
            return () => void listeners.delete(listener);
          },
        }
      : null,
    ...rest,
  });
  const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    handler(new Request(`http://localhost${path}`, { headers }));
  return {
    store,
    recorder,
    handler,
    errors,
    async publish() {
      const entries = basket.take();
      if (entries.length === 0) return;
      const { changedRuns } = await store.importBatch({
        projectId,
        entries,
        position: null,
      });
      for (const change of changedRuns) for (const listener of listeners) listener({ projectId, ...change });
    },
    get,
    async json<T>(path: string) {
      const response = await get(path);
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as T;
    },
  };
}

/** One server-sent message as a client reads it. */
export interface ReceivedMessage {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent messages until the stream ends or the reader stops. Comments come as `event: comment`. */
export async function* readMessages(response: Response): AsyncGenerator<ReceivedMessage> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const lines = block.split('\n');
      const fields = (name: string): string[] =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      if (lines.every((line) => line.startsWith(':'))) yield { id: null, event: 'comment', data: block };
      const data = fields('data');
      if (data.length > 0)
        yield { id: fields('id')[0] ?? null, event: fields('event')[0] ?? 'message', data: data.join('\n') };
    }
  }
}

/** Reads messages until `isEnough`; leaves the stream. */
export async function readUntil(
  response: Response,
  isEnough: (messages: readonly ReceivedMessage[]) => boolean,
): Promise<readonly ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  for await (const message of readMessages(response)) {
    messages.push(message);
    if (isEnough(messages)) break;
  }
  return messages;
}
