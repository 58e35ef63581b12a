import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useReducer, useRef, useSyncExternalStore } from 'react';
import { readChildren, reads } from '../../api/reads.ts';
import type { RunView, StepView } from '../../api/wire.ts';
import { isRunOpen } from '../../model/badges.ts';
import { toFlatSource, toRows, toRowSource } from '../../model/step-rows.ts';
import type { LoadedRun, RowSource } from '../../model/step-rows.ts';
import { toSpan } from '../../model/timeline.ts';
import type { Span } from '../../model/timeline.ts';
import { createStepFeed, wholeStepsMax } from './step-feed.ts';
import type { StepFeed } from './step-feed.ts';

interface Child {
  readonly feed: StepFeed;
  children: readonly RunView[];
}

const noChildren: readonly RunView[] = [];
const childPollMs = 1500;

function toLoaded(feed: StepFeed, children: readonly RunView[]): LoadedRun {
  const count = Math.min(feed.count(), wholeStepsMax);
  const steps = Array.from({ length: count }, (_, index): StepView | null => feed.stepAt(index + 1));
  return { runId: feed.runId, steps, children };
}

/** Feeds of the child runs that are unfolded; open ones are read again while they are looked at. */
function useChildFeeds(openRuns: ReadonlySet<string>, runById: ReadonlyMap<string, RunView>, onChange: () => void) {
  const feeds = useRef(new Map<string, Child>());
  useEffect(() => {
    const readChild = (runId: string): void => {
      const child = feeds.current.get(runId);
      if (child === undefined) return;
      readChildren(runId).then(
        (children) => {
          child.children = children;
          onChange();
        },
        // A child's children that can't be read leave the tree as it was.
        () => undefined,
      );
    };
    for (const runId of openRuns) {
      if (feeds.current.has(runId)) continue;
      const feed = createStepFeed(runId, runById.get(runId)?.lastStepNumber ?? 1);
      feed.subscribe(onChange);
      feeds.current.set(runId, { feed, children: [] });
      feed.look(1, wholeStepsMax);
      readChild(runId);
    }
    const timer = setInterval(() => {
      for (const runId of openRuns) {
        const run = runById.get(runId);
        const child = feeds.current.get(runId);
        if (run === undefined || child === undefined || !isRunOpen(run)) continue;
        for (let number = 1; number <= child.feed.count(); number += 1) {
          const step = child.feed.stepAt(number);
          if (step?.status === 'in_progress') child.feed.touch(step.id);
        }
        child.feed.touch('later steps');
        void child.feed.refresh();
        readChild(runId);
      }
    }, childPollMs);
    return () => clearInterval(timer);
  }, [openRuns, runById, onChange]);
  return feeds.current;
}

/** Rows of the tree for a run, whole or by the page, and the span of time they lie in. */
export function useRows(
  run: RunView,
  feed: StepFeed,
  view: { readonly folded: ReadonlySet<string>; readonly openRuns: ReadonlySet<string> },
) {
  const version = useSyncExternalStore(feed.subscribe, feed.version);
  const [childVersion, onChild] = useReducer((count: number) => count + 1, 0);
  const children = useQuery(reads.children(run.id)).data ?? noChildren;
  const isWhole = feed.count() <= wholeStepsMax;
  useEffect(() => {
    feed.grow(run.lastStepNumber);
    if (isWhole) feed.look(1, wholeStepsMax);
  }, [feed, run.lastStepNumber, isWhole, version]);
  const runById = useMemo(() => new Map(children.map((child) => [child.id, child])), [children]);
  const childFeeds = useChildFeeds(view.openRuns, runById, onChild);

  const source: RowSource = useMemo(() => {
    if (!isWhole) return toFlatSource(run.id, feed.count(), feed.stepAt);
    const loadedById = new Map<string, LoadedRun>();
    for (const [id, child] of childFeeds) loadedById.set(id, toLoaded(child.feed, child.children));
    return toRowSource(toRows(toLoaded(feed, children), { ...view, loadedById }));
  }, [run.id, feed, children, isWhole, version, childVersion, view.folded, view.openRuns, childFeeds]);

  const lastEndMs = useMemo(() => {
    let endMs = 0;
    for (let number = 1; isWhole && number <= feed.count(); number += 1) {
      const step = feed.stepAt(number);
      if (step !== null) endMs = Math.max(endMs, step.startedAtMs, step.finishedAtMs ?? 0);
    }
    for (const child of children) endMs = Math.max(endMs, child.finishedAtMs ?? child.updatedAtMs);
    return endMs;
  }, [feed, isWhole, version, children]);

  const boundsAt = (nowMs: number): Span => {
    const startMs = run.startedAtMs ?? run.createdAtMs;
    const endMs = run.finishedAtMs ?? (isRunOpen(run) ? nowMs : run.updatedAtMs);
    return toSpan(startMs, Math.max(endMs, lastEndMs));
  };
  return { source, children, runById, isWhole, boundsAt };
}
