import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RegisteredTool } from '../agent.ts';
import { toolClasses } from '../agent.ts';
import type { CallSurroundings, IntendedCall } from './interception.ts';
import { interceptCall, verdictToFinish } from './interception.ts';
import { createRecordedResults, noRecordedResults } from './recorded-results.ts';
import { runModes } from './run-mode.ts';

const tool = (given: Partial<RegisteredTool> = {}): RegisteredTool => ({
  name: 'refund',
  class: null,
  environments: [],
  synthetic: null,
  ...given,
});
const call = (given: Partial<IntendedCall> = {}): IntendedCall => ({
  name: 'refund',
  args: { order: 1 },
  hints: null,
  isTrusted: false,
  ...given,
});
const around = (given: Partial<CallSurroundings> = {}): CallSurroundings => ({
  mode: 'shadow',
  tool: null,
  environment: null,
  recorded: noRecordedResults,
  ...given,
});

describe('an intended call', () => {
  it('runs where nothing is decided, and live', () => {
    for (const mode of ['recorded', 'live'] as const)
      expect(interceptCall(call(), around({ mode }))).toMatchObject({ action: 'run', class: 'destructive' });
  });

  it('in shadow runs only when it is known to read', () => {
    expect(interceptCall(call(), around({ tool: tool({ class: 'read' }) }))).toMatchObject({ action: 'run' });
    expect(
      interceptCall(call({ name: 'look', hints: { readOnlyHint: true }, isTrusted: true }), around()),
    ).toMatchObject({
      action: 'run',
    });
    for (const of of [null, tool(), tool({ class: 'idempotent' }), tool({ class: 'destructive' })])
      expect(interceptCall(call(), around({ tool: of }))).toMatchObject({
        action: 'answer',
        resultStatus: 'skipped',
        blockReason: 'shadow_mode_destructive_blocked',
      });
  });

  it('is answered by what its agent registered, else by what was recorded, else by a marked stub', () => {
    const recorded = createRecordedResults([
      { name: 'refund', args: { b: 2, a: 1 }, result: 'old' },
      { name: 'refund', args: { a: 1, b: 2 }, result: 'new' },
    ]);
    const args = { a: 1, b: 2 };
    const registered = tool({ synthetic: '{"done":true}' });
    expect(interceptCall(call({ args }), around({ recorded, tool: registered }))).toMatchObject({
      result: { done: true },
      answerSource: 'registration',
    });
    expect(interceptCall(call({ args }), around({ tool: tool({ synthetic: 'no JSON' }) }))).toMatchObject({
      result: 'no JSON',
    });
    expect(interceptCall(call({ args }), around({ recorded }))).toMatchObject({
      result: 'new',
      answerSource: 'recording',
    });
    for (const other of [{ args: { a: 2 } }, { args, name: 'pay' }, { args: { a: 1n } }])
      expect(interceptCall(call(other), around({ recorded }))).toMatchObject({
        result: { tachograph: 'shadow stub' },
        answerSource: 'stub',
      });
  });

  it('is compared with recorded ones as these were redacted', () => {
    const recorded = createRecordedResults([{ name: 'refund', args: { key: '[R]' }, result: 1 }], () => ({
      key: '[R]',
    }));
    expect(interceptCall(call({ args: { key: 'secret' } }), around({ recorded }))).toMatchObject({ result: 1 });
  });

  it('is blocked outside its environments, live as in shadow, whatever it does', () => {
    const bound = tool({ class: 'read', environments: ['staging'] });
    for (const mode of ['live', 'shadow'] as const) {
      const inside = interceptCall(call(), around({ mode, tool: bound, environment: 'staging' }));
      expect(inside).toMatchObject({ action: 'run' });
      for (const environment of ['production', null])
        expect(interceptCall(call(), around({ mode, tool: bound, environment }))).toMatchObject({
          action: 'block',
          resultStatus: 'blocked',
          blockReason: 'environment_not_allowed',
        });
    }
    expect(interceptCall(call(), around({ mode: 'recorded', tool: bound }))).toMatchObject({ action: 'run' });
  });

  it('that sends words to somebody never leaves in shadow, though its tool is registered to read', () => {
    expect(interceptCall(call({ isMessage: true }), around({ tool: tool({ class: 'read' }) }))).toMatchObject({
      action: 'answer',
      class: 'destructive',
      blockReason: 'shadow_mode_message_suppressed',
    });
    expect(interceptCall(call({ isMessage: true }), around({ mode: 'live' }))).toMatchObject({ action: 'run' });
  });

  it('in shadow never runs unless it reads, and is never a success without having run', () => {
    const hint = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(
        fc.record({
          name: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'z\u200B'.repeat(300))),
          hints: fc.option(fc.record({ readOnlyHint: hint, destructiveHint: hint, idempotentHint: hint })),
          isTrusted: fc.boolean(),
          isMessage: fc.boolean(),
          registered: fc.option(fc.constantFrom(null, ...toolClasses)),
          environments: fc.subarray(['staging', 'production']),
          environment: fc.option(fc.constantFrom('staging', 'production')),
          mode: fc.constantFrom(...runModes),
          args: fc.anything(),
        }),
        ({ registered, environments, environment, mode, ...rest }) => {
          const of = registered === null ? null : tool({ class: registered, environments });
          const verdict = interceptCall(rest, around({ mode, environment, tool: of }));
          if (verdict.action === 'run') {
            if (mode === 'shadow') expect([verdict.class, rest.isMessage]).toEqual(['read', false]);
            return;
          }
          const finish = verdictToFinish(verdict);
          expect(['skipped', 'blocked']).toContain(finish.resultStatus);
          expect(finish).toMatchObject({ status: 'completed', wasBlocked: true, blockReason: verdict.blockReason });
        },
      ),
    );
  });
});
