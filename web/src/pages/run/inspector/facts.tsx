import type { ReactNode } from 'react';
import { Words } from '../../../parts/recorded-text.tsx';

/** A fact of a step or a run: a name and what it is; absent ones are left out. */
export type Fact = readonly [name: string, value: ReactNode | null];

/** Names and values in two columns. Strings are recorded text. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (known.length === 0) return null;
  return (
    <dl className="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>
            <Words text={name} charsMax={120} />
          </dt>
          <dd>{typeof value === 'string' ? <Words text={value} charsMax={2000} /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
