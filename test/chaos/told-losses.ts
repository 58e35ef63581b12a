import type { GapFacts } from '../../src/core/record/facts.ts';
import type { Store } from '../../src/core/store.ts';

/** How many events of a run its gap events say were lost. Verification gives at least what the numbers show to be missing, told or not. */
export async function toldLosses(store: Store, runId: string): Promise<number> {
  const events = await store.listEvents('default', runId);
  return events
    .filter(({ header }) => header.type === 'gap')
    .reduce((sum, { header }) => sum + (JSON.parse(header.facts ?? '{}') as GapFacts).events, 0);
}
