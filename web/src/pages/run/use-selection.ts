import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { keyToSelection, selectionToKey } from '../../model/run-page-search.ts';
import type { RunPageSearch } from '../../model/run-page-search.ts';

const route = getRouteApi('/runs/$id');

/** What is selected, as the address says, and ways to change it. */
export interface Selection {
  readonly key: string | null;
  readonly tab: string | null;
  readonly q: string;
  readonly select: (key: string | null) => void;
  readonly setTab: (tab: string) => void;
  readonly setQ: (q: string) => void;
}

/** Selection of a run's page. Moving about replaces the address; it does not fill the history. */
export function useSelection(runId: string): Selection {
  const search = route.useSearch();
  const navigate = useNavigate();
  const go = (change: RunPageSearch): void => {
    const next: RunPageSearch = { ...search, ...change };
    void navigate({ to: '/runs/$id', params: { id: runId }, search: next, replace: true });
  };
  return {
    key: selectionToKey(runId, search.step),
    tab: search.tab ?? null,
    q: search.q ?? '',
    select: (key) => go(key === null ? { step: undefined } : { step: keyToSelection(runId, key) }),
    setTab: (tab) => go({ tab }),
    setQ: (q) => go({ q: q === '' ? undefined : q }),
  };
}
