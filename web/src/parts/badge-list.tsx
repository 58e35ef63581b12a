import type { Badge } from '../model/badges.ts';

/** Badges in a row. */
export function BadgeList({ badges }: { badges: readonly Badge[] }) {
  return badges.map((badge) => (
    <span key={badge.label} className={`badge badge-${badge.tone}`} title={badge.title}>
      {badge.label}
    </span>
  ));
}
