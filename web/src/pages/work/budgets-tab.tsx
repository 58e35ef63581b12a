import { useQuery } from '@tanstack/react-query';
import type { WireBudget, WireBudgets } from '../../api/wire.ts';
import { workReads } from '../../api/work-reads.ts';
import { toCost, toExactCount } from '../../model/figures.ts';
import { toPercent } from '../../model/numbers-search.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { WideTable } from './work-table.tsx';

const columns = ['Layer', 'For', 'Money', 'Tokens', 'Used'];

const spans: Readonly<Record<WireBudget['layer'], string>> = {
  platform: 'platform, per UTC day',
  project: 'project, per UTC day',
  agent: 'agent, per UTC day',
  caller: 'caller, in 7 days',
  run: 'run',
};

function shareToTone(share: number): string {
  if (share >= 1) return 'tone-bad';
  return share >= 0.8 ? 'tone-warn' : 'tone-ok';
}

function Share({ share }: { share: number | null }) {
  if (share === null) return <span className="faint">each by itself</span>;
  const percent = toPercent(share);
  return (
    <span className={`work-share ${shareToTone(share)}`}>
      <span className="work-share-bar" aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      {share >= 1 ? `${percent}, stopped` : percent}
    </span>
  );
}

const ofMax = (used: string | null, max: string | null): string => {
  if (max === null) return 'no limit';
  return used === null ? max : `${used} of ${max}`;
};

function Stops({ stops }: Pick<WireBudgets, 'stops'>) {
  if (!stops.platform && !stops.project) return null;
  return (
    <p className="work-stop" role="alert">
      Emergency stop of {stops.platform ? 'the whole platform' : 'this project'}: no call of a governed run leaves.
      Resume with <code>tachograph budget resume</code>.
    </p>
  );
}

/** Limits in the order in which they are asked, and how much of each is spent. */
export function BudgetsTab() {
  const { data, error, isError, refetch } = useQuery(workReads.budgets());
  if (isError) return <Failure error={error} what="The budgets" onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading label="Adding up the ledger" />;
  return (
    <>
      <Stops stops={data.stops} />
      {data.limits.length === 0 ? (
        <Notice title="Nothing is limited">
          <p>
            Set a limit with <code>tachograph budget set</code>: of the project or an agent per day, of a caller in
            seven days, of a run.
          </p>
        </Notice>
      ) : (
        <WideTable columns={columns}>
          {data.limits.map((limit) => (
            <tr key={`${limit.layer} ${limit.scope}`}>
              <th scope="row">{spans[limit.layer]}</th>
              <td>
                {limit.scope === '' ? '' : limit.scope === '*' ? 'each' : <Words text={limit.scope} charsMax={40} />}
              </td>
              <td>
                {ofMax(
                  limit.used === null ? null : toCost(limit.used.nanoUsd),
                  limit.nanoUsdMax === null ? null : toCost(limit.nanoUsdMax),
                )}
              </td>
              <td>
                {ofMax(
                  limit.used === null ? null : toExactCount(limit.used.tokens),
                  limit.tokensMax === null ? null : toExactCount(limit.tokensMax),
                )}
              </td>
              <td>
                <Share share={limit.share} />
              </td>
            </tr>
          ))}
        </WideTable>
      )}
    </>
  );
}
