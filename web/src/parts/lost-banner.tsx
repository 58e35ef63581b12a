import type { StreamState } from '../api/stream.ts';
import { toClock } from '../model/figures.ts';
import { useNow } from './use-now.ts';

/** Says that what is on the screen may be old, since when, and when the next try is. */
export function LostBanner({ state, onRetry }: { state: StreamState; onRetry: () => void }) {
  const nowMs = useNow(state.kind === 'lost' ? 1000 : null);
  if (state.kind !== 'lost') return null;
  const waitS = Math.max(0, Math.ceil((state.retryAtMs - nowMs) / 1000));
  return (
    <div className="banner" role="status">
      <span>
        Connection lost. This is what was known at {toClock(state.sinceMs)}.{' '}
        {waitS > 0 ? `Trying again in ${waitS} s.` : 'Trying again.'}
      </span>
      <button type="button" className="small-button" onClick={onRetry}>
        Try now
      </button>
    </div>
  );
}
