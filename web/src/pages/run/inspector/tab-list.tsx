import * as Tabs from '@radix-ui/react-tabs';
import type { ReactNode } from 'react';
import { useKeys } from '../../../parts/use-keys.ts';

/** A tab and what it shows; content is only made when it is looked at. */
export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly count?: number;
  readonly content: () => ReactNode;
}

/** Tabs of the inspector; the digits choose them. An unknown `active` shows the first. */
export function TabList({
  tabs,
  active,
  onChange,
}: {
  tabs: readonly Tab[];
  active: string | null;
  onChange: (id: string) => void;
}) {
  const current = tabs.find((tab) => tab.id === active) ?? tabs[0]!;
  useKeys(
    Object.fromEntries(
      ['1', '2', '3', '4', '5', '6'].map((key, index) => [
        key,
        () => {
          const tab = tabs[index];
          if (tab !== undefined) onChange(tab.id);
        },
      ]),
    ),
  );
  return (
    <Tabs.Root value={current.id} onValueChange={onChange} className="tabs">
      <Tabs.List className="tab-list" aria-label="Views of the selection">
        {tabs.map((tab) => (
          <Tabs.Trigger key={tab.id} value={tab.id} className="tab">
            {tab.label}
            {tab.count === undefined ? null : <span className="tab-count">{tab.count}</span>}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content key={current.id} value={current.id} className="tab-content">
        {current.content()}
      </Tabs.Content>
    </Tabs.Root>
  );
}
