import { query } from '@anthropic-ai/claude-agent-sdk';
import { createPrices } from '../../core/cost/prices.ts';
import { shippedPrices } from '../../core/cost/shipped.ts';
import { foldEvents } from '../../core/import/fold.ts';
import type { FoldedRun } from '../../core/import/fold.ts';
import type { StoredEvent } from '../../core/store.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Reply, ScriptedProvider, SeenCall } from './claude.fixture.ts';
import { createScriptedProvider, createWorkplace } from './claude.fixture.ts';
import { recordQuery } from './index.ts';
import type { RecordQueryOptions } from './index.ts';

/** Options of the SDK's `query`. */
export type QueryOptions = NonNullable<Parameters<typeof query>[0]['options']>;

/** A recorded `query` of the real SDK, its real executable and a provider that answers by a script. */
export interface Stage {
  readonly recording: Recording;
  readonly provider: ScriptedProvider;
  readonly recorded: typeof query;
  /** Options by which the executable speaks to the provider alone. */
  readonly options: QueryOptions;
}

const closers: (() => Promise<void> | void)[] = [];

/** Ends all that the stages of a test opened. */
export async function strike(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

/** Called by `strike`. */
export function onStrike(close: () => Promise<void> | void): void {
  closers.push(close);
}

/** Sets a stage. */
export async function setStage(script: (call: SeenCall) => Reply, options: RecordQueryOptions = {}): Promise<Stage> {
  const provider = await createScriptedProvider(script);
  const place = createWorkplace(provider.url);
  onStrike(() => place.remove());
  onStrike(() => provider.close());
  const recording = createRecording();
  return {
    recording,
    provider,
    recorded: recordQuery(query, recording.recorder, options),
    options: { cwd: place.folder, env: place.env, settingSources: [], allowedTools: ['Bash', 'Task'] },
  };
}

/** A message of the SDK as the tests look at it. */
export type Seen = Readonly<Record<string, unknown>> & { readonly type: string; readonly subtype?: string };

/** Every message, to the end. */
export async function readAll(messages: AsyncIterable<unknown>): Promise<Seen[]> {
  const all: Seen[] = [];
  for await (const message of messages) all.push(message as Seen);
  return all;
}

/** The recorded runs with costs by the list prices. */
export function pricedRuns({ journal }: Recording): readonly FoldedRun[] {
  const byRun = new Map<string, StoredEvent[]>();
  for (const { event } of journal.entries) {
    const events = byRun.get(event.header.runId) ?? [];
    byRun.set(event.header.runId, events);
    events.push({ ...event, seq: events.length + 1 });
  }
  return [...byRun.values()].map((events) => foldEvents('default', events, new Map(), createPrices([shippedPrices()])));
}
