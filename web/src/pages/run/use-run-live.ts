import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { paths } from '../../api/paths.ts';
import { useStream } from '../../api/use-stream.ts';
import type { RunChange, RunDetail, RunView, WireEvent } from '../../api/wire.ts';
import { isRunOpen } from '../../model/badges.ts';
import type { StepFeed } from './step-feed.ts';

const flushMs = 200;
const childrenMs = 1000;

/**
 * Follows the events of a run that can still grow. Events only say what to read again: steps, header and child runs
 * come from the server, so that what is shown is what a reload would show.
 */
export function useRunLive(run: RunView, feed: StepFeed) {
  const client = useQueryClient();
  const isLive = isRunOpen(run) || run.swept;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isReading = useRef(false);
  const hasMore = useRef(false);

  const flush = async (): Promise<void> => {
    timer.current = undefined;
    if (isReading.current) {
      hasMore.current = true;
      return;
    }
    isReading.current = true;
    await Promise.all([feed.refresh(), client.invalidateQueries({ queryKey: ['run', run.id] })]);
    isReading.current = false;
    if (hasMore.current) {
      hasMore.current = false;
      schedule();
    }
  };
  // The stream says how the run stands now; its inputs, output and gaps come with the reading that follows.
  const keepRun = (data: string): void => {
    const changed = parseRun(data);
    if (changed === null || changed.id !== run.id) return;
    client.setQueryData<RunDetail>(['run', run.id], (detail) => detail && { ...detail, run: changed });
  };
  const schedule = (): void => {
    timer.current ??= setTimeout(() => void flush(), flushMs);
  };

  const { state, retry } = useStream(isLive ? paths.eventStream(run.id) : null, String(run.lastSeq), (event) => {
    if (event.event === 'run') keepRun(event.data);
    else feed.touch(parseStepId(event.data));
    schedule();
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!isLive) {
      // What began as open may have ended between the last event and now.
      void client.invalidateQueries({ queryKey: ['children', run.id] });
      return undefined;
    }
    const poll = setInterval(() => {
      void client.invalidateQueries({ queryKey: ['children', run.id] });
      if (state.kind === 'off') schedule();
    }, childrenMs);
    return () => clearInterval(poll);
  }, [isLive, run.id, state.kind]);
  return { isLive, stream: state, retryStream: retry };
}

function parseRun(data: string): RunView | null {
  try {
    return (JSON.parse(data) as RunChange).run ?? null;
  } catch {
    // A broken piece of a stream changes nothing.
    return null;
  }
}

function parseStepId(data: string): string | null {
  try {
    return (JSON.parse(data) as WireEvent).stepId;
  } catch {
    // A broken piece of a stream names no step; the reading that follows shows the truth.
    return null;
  }
}
