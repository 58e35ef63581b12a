import { describe, expect, it } from 'vitest';
import { endReasons, endReasonToStatus, runStatuses } from '../model/run.ts';
import { isEndAllowed, isLegalEdge, isTerminal, nextStatus, stateCauses } from './state.ts';

/** One row per status that is left, one column per status that is reached, in the order of `runStatuses`. */
const table = `
                   pending running tool approval completed failed cancelled timeout
  pending             .       x      .     .         .       x       x        x
  running             x       .      x     x         x       x       x        x
  waiting_tool        x       x      .     .         .       x       x        x
  waiting_approval    .       x      .     .         .       .       x        x
  completed           .       .      .     .         .       .       .        .
  failed              .       .      .     .         .       .       .        .
  cancelled           .       .      .     .         .       .       .        .
  timeout             .       .      .     .         .       .       .        .
`;

const rows = table
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.trim().split(/\s+/));

describe('the state machine of a run', () => {
  it('has the edges of the table and none else, in all 64 cells', () => {
    const cells = rows.flatMap(([from, ...marks]) =>
      marks.map((mark, index) => `${from} → ${runStatuses[index]}: ${mark === 'x'}`),
    );
    const found = runStatuses.flatMap((from) => runStatuses.map((to) => `${from} → ${to}: ${isLegalEdge(from, to)}`));
    expect(found).toEqual(cells);
    expect(found).toHaveLength(64);
  });

  it('changes for each cause only along an edge, or stays where a person is waited for', () => {
    for (const from of runStatuses)
      for (const cause of stateCauses) {
        const to = nextStatus(from, cause);
        if (to === null) continue;
        const stays = cause === 'grant' && from === 'waiting_approval' && to === from;
        expect([from, cause, to, stays || isLegalEdge(from, to)]).toEqual([from, cause, to, true]);
      }
  });

  it('lets nothing change an end', () => {
    for (const from of runStatuses.filter(isTerminal)) {
      expect(stateCauses.map((cause) => nextStatus(from, cause))).toEqual(stateCauses.map(() => null));
      for (const reason of endReasons) expect(isEndAllowed(from, reason, endReasonToStatus(reason))).toBe(false);
    }
  });

  it('ends a run that nobody began neither as completed nor as one whose lease was lost', () => {
    const allowed = endReasons.filter((reason) => isEndAllowed('pending', reason, endReasonToStatus(reason)));
    expect(allowed).not.toContain('ok');
    expect(allowed).not.toContain('lease_lost');
    expect(allowed).not.toContain('rejected');
    expect(allowed).toContain('budget_exceeded');
  });

  it('takes only a no, a cancelling or the time from a run that waits for a person', () => {
    const allowed = endReasons.filter((reason) => isEndAllowed('waiting_approval', reason, endReasonToStatus(reason)));
    expect(allowed).toEqual(['cancelled', 'killed', 'rejected', 'preempted', 'timeout']);
  });
});
