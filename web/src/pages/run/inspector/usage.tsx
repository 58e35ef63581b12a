import type { StepView, Usage as Tokens } from '../../../api/wire.ts';
import { stepToCostFacts } from '../../../model/cost/step.ts';
import { toExactCount } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Facts } from './facts.tsx';

type Line = readonly [name: string, value: number | null, depth: 0 | 1 | 2];

function toLines({ input, output }: Tokens): readonly Line[] {
  const split: readonly Line[] =
    input.cacheWriteFiveMinutes === null && input.cacheWriteOneHour === null
      ? []
      : [
          ['kept 5 minutes', input.cacheWriteFiveMinutes, 2],
          ['kept 1 hour', input.cacheWriteOneHour, 2],
        ];
  return [
    ['Input', input.total, 0],
    ['not cached', input.noCache, 1],
    ['cache read', input.cacheRead, 1],
    ['cache write', input.cacheWrite, 1],
    ...split,
    ['Output', output.total, 0],
    ['text', output.text, 1],
    ['reasoning', output.reasoning, 1],
  ];
}

/** Tokens by bucket with their share; what was not reported is n/a. */
export function UsageTable({ usage }: { usage: Tokens }) {
  const max = Math.max(1, usage.input.total ?? 0, usage.output.total ?? 0);
  return (
    <table className="table usage-table">
      <thead>
        <tr>
          <th scope="col">Tokens</th>
          <th scope="col" className="num">
            Count
          </th>
          <th scope="col" aria-label="Share" />
        </tr>
      </thead>
      <tbody>
        {toLines(usage).map(([name, value, depth]) => (
          <tr key={name} className={`usage-depth-${depth}`}>
            <th scope="row">{name}</th>
            <td className={value === null ? 'num faint' : 'num'}>{toExactCount(value)}</td>
            <td className="usage-share">
              {value === null || value <= 0 ? null : (
                <span style={{ width: `${Math.min(100, (Math.max(0, value) / max) * 100)}%` }} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Usage and cost of a model step. */
export function Usage({ step }: { step: StepView }) {
  return (
    <>
      {step.usage === null ? (
        <p className="faint">
          {step.status === 'in_progress'
            ? 'The provider tells it with the answer.'
            : 'The provider reported no usage: n/a.'}
        </p>
      ) : (
        <UsageTable usage={step.usage} />
      )}
      <Facts
        facts={[...stepToCostFacts(step), ['requests', step.usage === null ? null : toExactCount(step.usage.requests)]]}
      />
      {step.usageRaw === null || step.usageRaw === undefined ? null : (
        <JsonBlock raw={JSON.stringify(step.usageRaw)} label="As the provider reported it" />
      )}
    </>
  );
}
