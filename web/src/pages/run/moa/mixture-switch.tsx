import { useNavigate } from '@tanstack/react-router';
import type { Selection } from '../use-selection.ts';

/** The tab that stands for the turn side by side. */
export const mixtureTab = 'mixture';

/** True while the turn is looked at side by side: at first, and until something else of the run is chosen. */
export function isSideBySide({ key, tab }: Selection): boolean {
  return key === null && (tab === null || tab === mixtureTab);
}

/** Two ways of looking at a turn of a mixture: side by side, or as the timeline of any run. */
export function MixtureSwitch({ runId, selection }: { runId: string; selection: Selection }) {
  const navigate = useNavigate();
  const isSides = isSideBySide(selection);
  return (
    <nav className="mixture-switch" aria-label="Ways to look at this turn">
      <button
        type="button"
        aria-pressed={isSides}
        onClick={() => {
          if (!isSides)
            void navigate({ to: '/runs/$id', params: { id: runId }, search: { tab: mixtureTab }, replace: true });
        }}
      >
        Side by side
      </button>
      <button
        type="button"
        aria-pressed={!isSides}
        onClick={() => {
          if (isSides) selection.setTab('overview');
        }}
      >
        Timeline
      </button>
    </nav>
  );
}
