import process from 'node:process';
import { createSafely, toHarmlessListener } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { besideOwn, listeningHooks } from './hooks.ts';
import { toMarkedEnvironment } from './proxied.ts';
import type { ClaudeAgentOptions } from './query-record.ts';
import { QueryRecord } from './query-record.ts';
import type { QueryFunction, QueryParams } from './vendor.ts';
import type { Inner } from './watched-query.ts';
import { watchQuery } from './watched-query.ts';
import { hookNames, toFields, toldByStream, toText } from './vendor.ts';

/** What may be set of a recorded `query`. */
export interface RecordQueryOptions extends ClaudeAgentOptions {
  /**
   * Switches the parts of streams on and keeps them from the program that did not ask for them: they alone say what each
   * call wrote and when. Default true; with false, calls are counted with the SDK's sums.
   */
  readonly partialMessages?: boolean;
}

const heardNames = hookNames.filter((name) => !toldByStream.includes(name));

const openByRecorder = new WeakMap<Recorder, Set<QueryRecord>>();

/** Queries under way of a recorder: when it is closed they end, with what their answers had said so far. */
function openQueries(recorder: Recorder): Set<QueryRecord> {
  const known = openByRecorder.get(recorder);
  if (known !== undefined) return known;
  const open = new Set<QueryRecord>();
  openByRecorder.set(recorder, open);
  recorder.onClose(() => {
    for (const record of open) record.end({ endReason: 'interrupted' });
  });
  return open;
}

function toStart(recorder: Recorder, options: RecordQueryOptions, given: QueryParams): QueryRecord {
  const own = given.options ?? {};
  const { partialMessages: _partial, ...rest } = options;
  const parent = recorder.current()?.ref(recorder.currentStep()?.id) ?? null;
  const resumed = own['resume'] !== undefined || own['continue'] === true;
  return new QueryRecord({
    recorder,
    options: rest,
    agentId: options.agentId ?? toText(own['agent']) ?? 'claude-agent',
    prompt: toText(given.prompt),
    systemPrompt: toText(own['systemPrompt']),
    parent,
    isResumed: resumed,
    hasStream: true,
  });
}

/**
 * A `query` that behaves as the one given and records every query as a run: model calls, tool calls before they run,
 * subagents as runs of their own, tokens and how it ended. Its values, their order, its errors and its other methods are
 * the SDK's; hooks of the user's own run as before, and no hook decides anything. Never throws of itself (I1).
 */
export function recordQuery<Q extends QueryFunction>(
  query: Q,
  recorder: Recorder,
  options: RecordQueryOptions = {},
): Q {
  if (!recorder.recording) return query;
  const onError = toHarmlessListener(options.onError);
  const safely = createSafely(onError);
  const guard = (work: () => void): void => safely(work, undefined);
  const call = query as unknown as (params: unknown) => Inner;
  let open: Set<QueryRecord> | null = null;
  guard(() => void (open = openQueries(recorder)));

  const recorded = (params: QueryParams): Inner => {
    let record: QueryRecord | null = null;
    let handed: QueryParams = params;
    const isHidden = options.partialMessages !== false && params?.options?.['includePartialMessages'] !== true;
    guard(() => {
      const started = toStart(recorder, options, params);
      const own = params.options ?? {};
      const env = toMarkedEnvironment(own['env'], process.env);
      const hooks = listeningHooks(heardNames, { hear: (input) => started.hook(input), onError });
      handed = {
        ...params,
        options: {
          ...own,
          hooks: besideOwn(hooks, own.hooks ?? {}),
          ...(isHidden ? { includePartialMessages: true } : {}),
          ...(env === null ? {} : { env }),
        },
      };
      record = started;
    });
    const begun = record as QueryRecord | null;
    if (begun === null) return call(params);
    const isAborted = (): boolean =>
      toFields(toFields(params.options?.['abortController'])?.['signal'])?.['aborted'] === true;
    try {
      const onEnd = (): void => void open?.delete(begun);
      const asked = watchQuery(call(handed), begun, { guard, isHidden, isAborted, onEnd });
      open?.add(begun);
      return asked;
    } catch (error) {
      guard(() => begun.end({ endReason: 'error', error }));
      throw error;
    }
  };
  return recorded as unknown as Q;
}
