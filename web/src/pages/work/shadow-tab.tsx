import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { KeptTool, ShadowReport, SideFigures } from '../../api/wire.ts';
import { workReads } from '../../api/work-reads.ts';
import { sumToCost } from '../../model/cost/sum.ts';
import { toDuration, toExactCount, toPlural } from '../../model/figures.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { RunLink, WideTable } from './work-table.tsx';

const route = getRouteApi('/work');

function Kept({ title, kept }: { title: string; kept: readonly KeptTool[] }) {
  if (kept.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2 className="work-title">{title}</h2>
      <WideTable columns={['Tool', 'Class', 'Why', 'Calls', 'Arguments', 'Newest run']} numbers={['Calls']}>
        {kept.flatMap((tool) =>
          tool.arguments.map((group, index) => (
            <tr key={`${tool.tool} ${tool.blockReason} ${group.inputDigest ?? index}`}>
              <th scope="row">{index === 0 ? <Words text={tool.tool} charsMax={80} /> : null}</th>
              <td>{index === 0 ? (tool.class ?? 'n/a') : null}</td>
              <td>
                {index === 0 ? <Words text={tool.blockReason?.replaceAll('_', ' ') ?? 'n/a'} charsMax={60} /> : null}
              </td>
              <td className="num">{toExactCount(group.calls)}</td>
              <td className="work-args">
                {group.args === null ? <span className="faint">n/a</span> : <Words text={group.args} charsMax={160} />}
              </td>
              <td>
                <RunLink runId={group.runId} />
              </td>
            </tr>
          )),
        )}
      </WideTable>
    </section>
  );
}

const figures: readonly (readonly [label: string, of: (side: SideFigures) => string])[] = [
  ['Runs', ({ runs }) => toExactCount(runs)],
  ['Steps', ({ steps }) => toExactCount(steps)],
  ['Tool calls', ({ toolSteps }) => toExactCount(toolSteps)],
  ['Errors', ({ errors }) => toExactCount(errors)],
  ['Cost', (side) => (side.runs === 0 ? 'n/a' : sumToCost(side))],
  ['Duration p50', ({ durationP50Ms }) => toDuration(durationP50Ms)],
  ['Duration p90', ({ durationP90Ms }) => toDuration(durationP90Ms)],
];

function Comparison({ report }: { report: ShadowReport }) {
  return (
    <section aria-label="Shadow beside live">
      <h2 className="work-title">Shadow beside live</h2>
      <WideTable columns={['', 'Shadow', 'Live']} numbers={['Shadow', 'Live']}>
        {figures.map(([label, of]) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td className="num">{of(report.shadow)}</td>
            <td className="num">{of(report.live)}</td>
          </tr>
        ))}
        {report.tools.map(({ tool, shadowCalls, liveCalls }) => (
          <tr key={tool}>
            <th scope="row">
              calls of <Words text={tool} charsMax={60} />
            </th>
            <td className="num">{toExactCount(shadowCalls)}</td>
            <td className="num">{toExactCount(liveCalls)}</td>
          </tr>
        ))}
      </WideTable>
    </section>
  );
}

/** What the runs in shadow would have done, and how they compare with those that acted. */
export function ShadowTab() {
  const { agent } = route.useSearch();
  const { data, error, isError, refetch } = useQuery(workReads.shadowReport(agent));
  if (isError) return <Failure error={error} what="The shadow report" onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading label="Reading runs in shadow" />;
  if (data.shadow.runs === 0)
    return (
      <Notice title="No run was in shadow">
        <p>
          Create a run with <code>--shadow</code>, or set the project’s mode: its tools are then answered for, and
          nothing that is not known to only read happens.
        </p>
      </Notice>
    );
  return (
    <>
      <p className="muted work-note">
        {toPlural(data.shadow.runs, 'run')} in shadow
        {agent === undefined ? null : (
          <>
            {' '}
            of <Words text={agent} charsMax={60} />{' '}
            <Link to="/work" search={{ tab: 'shadow' }} className="small-button">
              all agents
            </Link>
          </>
        )}
        {data.isCut ? '; only the newest were read' : ''}.
      </p>
      <Kept title="Would have been done" kept={data.wouldHaveDone} />
      <Kept title="Would have been blocked live too" kept={data.blocked} />
      {data.unknown.length === 0 ? null : (
        <p className="work-note">
          Nobody says what these tools do, so they count as destructive:{' '}
          <Words text={data.unknown.map(({ tool, calls }) => `${tool} (${calls})`).join(', ')} charsMax={400} />
        </p>
      )}
      <Comparison report={data} />
    </>
  );
}
