import { expectedExchanges } from '../../core/record/expected-exchange.ts';
import type { StepRecorder } from '../../core/record/recording.ts';

/**
 * Says for what follows in this async flow that an HTTP exchange in it is this step's. A capture of HTTP with the same
 * recorder knows it from scope; one with another recorder, as under `tachograph run`, would record the call a second time.
 */
export function claimExchanges(step: StepRecorder): void {
  // The flow keeps the step. Nobody is to find it by the words of a request, so nothing waits.
  expectedExchanges().expect({ step, matches: () => false })();
}
