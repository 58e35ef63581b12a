import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import type { WorkTab } from '../../model/work/work-search.ts';
import { workTabs } from '../../model/work/work-search.ts';
import { BudgetsTab } from './budgets-tab.tsx';
import { DeadTab } from './dead-tab.tsx';
import { QueueTab } from './queue-tab.tsx';
import { SchedulesTab } from './schedules-tab.tsx';
import { ShadowTab } from './shadow-tab.tsx';
import { WorkersTab } from './workers-tab.tsx';
import '../../styles/work.css';

const route = getRouteApi('/work');

const titles: Readonly<Record<WorkTab, string>> = {
  queue: 'Queue',
  workers: 'Workers',
  dead: 'Dead runs',
  budgets: 'Budgets',
  schedules: 'Schedules',
  shadow: 'Shadow',
};

function Tab({ tab }: { tab: WorkTab }) {
  switch (tab) {
    case 'queue':
      return <QueueTab />;
    case 'workers':
      return <WorkersTab />;
    case 'dead':
      return <DeadTab />;
    case 'budgets':
      return <BudgetsTab />;
    case 'schedules':
      return <SchedulesTab />;
    case 'shadow':
      return <ShadowTab />;
  }
}

/** Runs as work: the queue by state, who works on what, what died, what may be spent. */
export function WorkPage() {
  const { tab = 'queue' } = route.useSearch();
  useEffect(() => {
    document.title = `${titles[tab]} · Work · Tachograph`;
  }, [tab]);
  return (
    <div className="work-page">
      <div className="work-head">
        <h1>Work</h1>
        <nav className="work-tabs" aria-label="Parts of the page">
          {workTabs.map((each) => (
            <Link
              key={each}
              to="/work"
              search={each === 'queue' ? {} : { tab: each }}
              className={each === tab ? 'small-button chosen' : 'small-button'}
              aria-current={each === tab ? 'page' : undefined}
            >
              {titles[each]}
            </Link>
          ))}
        </nav>
      </div>
      <Tab tab={tab} />
    </div>
  );
}
