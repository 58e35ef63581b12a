import { describe, expect, it } from 'vitest';
import type { SwitchState } from './switches.ts';
import { isRecorded, openSwitches } from './switches.ts';

const state = (change: Partial<SwitchState>): SwitchState => ({ ...openSwitches, ...change });

describe('switches', () => {
  it.each([
    [{}, true],
    [{ caller: 'off' }, false],
    [{ caller: 'off', project: 'on' }, true],
    [{ caller: 'on', project: 'off' }, false],
    [{ project: 'off', deployment: 'on' }, true],
    [{ project: 'on', caller: 'on', deployment: 'off' }, false],
    [{ requireOptIn: true }, false],
    [{ requireOptIn: true, optedIn: true }, true],
    [{ requireOptIn: true, deployment: 'on', project: 'on', caller: 'on' }, false],
    [{ requireOptIn: true, optedIn: true, project: 'off' }, false],
    [{ optedIn: true, project: 'off' }, false],
  ] as const)('%j: %s', (change, expected) => {
    expect(isRecorded(state(change), false)).toBe(expected);
    // A lease, a budget or a gateway cannot be switched off.
    expect(isRecorded(state(change), true)).toBe(true);
  });

  it('an opt-in outlives a project that goes off and on', () => {
    const opted = { requireOptIn: true, optedIn: true } as const;
    expect((['on', 'off', 'on'] as const).map((project) => isRecorded(state({ ...opted, project }), false))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
