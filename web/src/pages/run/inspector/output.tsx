import type { StepDetail, StreamSummary } from '../../../api/wire.ts';
import { toDuration, toExactCount } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Answer } from './conversation.tsx';
import { Facts } from './facts.tsx';

function StreamFacts({ stream, firstTokenMs }: { stream: StreamSummary; firstTokenMs: number | null }) {
  const timing = stream.chunkTiming;
  return (
    <>
      <h3 className="divider">Stream</h3>
      <Facts
        facts={[
          ['first token after', toDuration(firstTokenMs)],
          ['parts', toExactCount(stream.parts)],
          ['text deltas', toExactCount(stream.textDeltas)],
          ['tool calls', toExactCount(stream.toolCalls)],
          ['sources', stream.sources === 0 ? null : toExactCount(stream.sources)],
          ['warnings', stream.warnings === 0 ? null : toExactCount(stream.warnings)],
          ['errors', stream.errors === 0 ? null : toExactCount(stream.errors)],
          ['last error', stream.lastError],
        ]}
      />
      {timing === null ? null : (
        <table className="table">
          <caption>Time between {toExactCount(timing.count)} chunks</caption>
          <thead>
            <tr>
              {['min', 'p10', 'median', 'mean', 'p90', 'max'].map((name) => (
                <th key={name} scope="col" className="num">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              {[timing.minMs, timing.p10Ms, timing.medianMs, timing.meanMs, timing.p90Ms, timing.maxMs].map(
                (ms, index) => (
                  <td key={index} className="num">
                    {toDuration(ms)}
                  </td>
                ),
              )}
            </tr>
          </tbody>
        </table>
      )}
    </>
  );
}

/** What came out: text, reasoning, tool calls; how it ended; how the stream went. */
export function Output({ detail }: { detail: StepDetail }) {
  const { step } = detail;
  return (
    <>
      <Facts
        facts={[
          ['finish reason', step.finishReason === null ? null : step.finishReason.unified],
          [
            'in the provider’s word',
            step.finishReason?.raw === step.finishReason?.unified ? null : (step.finishReason?.raw ?? null),
          ],
          ['served by', step.model],
          ['asked for', step.requestedModel === step.model ? null : step.requestedModel],
        ]}
      />
      <Answer detail={detail} />
      {step.stream === null ? null : <StreamFacts stream={step.stream} firstTokenMs={step.timeToFirstTokenMs} />}
      {detail.response === null ? null : (
        <details className="fold">
          <summary>As recorded</summary>
          <JsonBlock raw={detail.response.raw} />
        </details>
      )}
    </>
  );
}
