import { describe, expect, it } from 'vitest';
import { blankRun, blankStep } from '../import/blank.ts';
import { isMessageAfter, partAfterMessage } from './subject.ts';

describe('order of messages', () => {
  it.each([
    ['11', '9', true],
    ['9', '11', false],
    ['9', '9', false],
    ['90071992547409931', '90071992547409930', true],
    ['01JD0000000000000000000001', '01JD0000000000000000000000', true],
    ['m-2', 'm-1', true],
    ['m-1', 'm-1', false],
  ])('%s after %s: %s', (id, other, expected) => expect(isMessageAfter(id, other)).toBe(expected));
});

describe('what comes after a message', () => {
  const run = blankRun('p', 'r', 1);
  const step = (number: number, fields: object = {}) => ({
    ...blankStep({ runId: 'r', stepId: `s${number}`, number, timeMs: 1, seq: 1 }),
    ...fields,
  });

  it('is all of a run whose trigger or tip comes after', () => {
    expect(partAfterMessage({ ...run, triggerMessageId: '5' }, [], '4')).toBe('all');
    expect(partAfterMessage({ ...run, triggerMessageId: '3', historyTipMessageId: '5' }, [], '4')).toBe('all');
    expect(partAfterMessage({ ...run, triggerMessageId: '4' }, [], '4')).toBe(null);
  });

  it('is steps whose tip or answer comes after, with all that hangs under them', () => {
    const steps = [
      step(1, { historyTipMessageId: '3', assistantMessageId: '4' }),
      step(2, { parentStepId: 's1' }),
      step(3, { parentStepId: 's5' }),
      step(4, { assistantMessageId: '5' }),
      step(5, { parentStepId: 's4' }),
      step(6),
    ];
    expect(partAfterMessage(run, steps, '4')).toEqual(new Set(['s4', 's5', 's3']));
    expect(partAfterMessage(run, [step(6)], '4')).toBe(null);
  });
});
