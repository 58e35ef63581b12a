import type { StepView } from '../../../api/wire.ts';
import { toDuration, toIso } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Facts } from './facts.tsx';

/** How the step was asked for, and its ids and times. */
export function Options({ step }: { step: StepView }) {
  const redactions = Object.entries(step.redactions).map(([kind, count]) => `${kind} ×${count}`);
  return (
    <>
      {step.options === null ? (
        <p className="faint">No options were recorded.</p>
      ) : (
        <JsonBlock raw={JSON.stringify(step.options)} label="Options" />
      )}
      {step.metadata === null ? null : <JsonBlock raw={JSON.stringify(step.metadata)} label="Metadata" />}
      <h3 className="divider">Facts</h3>
      <Facts
        facts={[
          ['operation', step.operation],
          ['provider', step.provider],
          ['model asked for', step.requestedModel],
          ['model that served', step.model],
          ['started', toIso(step.startedAtMs)],
          ['finished', step.finishedAtMs === null ? null : toIso(step.finishedAtMs)],
          ['duration', toDuration(step.durationMs)],
          ['first token after', step.timeToFirstTokenMs === null ? null : toDuration(step.timeToFirstTokenMs)],
          ['provider’s response id', step.providerResponseId],
          ['call id', step.callId],
          [
            'step id',
            <span key="id" className="mono">
              {step.id}
            </span>,
          ],
          ['redactions', redactions.join(', ')],
          [
            'marks',
            [
              step.late ? 'late' : '',
              step.swept ? 'swept' : '',
              step.observedAfter ? 'observed after' : '',
              step.erased ? 'erased' : '',
            ]
              .filter(Boolean)
              .join(', '),
          ],
        ]}
      />
    </>
  );
}
