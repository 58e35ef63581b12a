import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toolClasses } from '../agent.ts';
import type { ToolEvidence, ToolHints } from './tool-class.ts';
import { classifyTool, destructiveWords, higherClass, isDestructiveName, nameToWords } from './tool-class.ts';

const evidence = (given: Partial<ToolEvidence>): ToolEvidence => ({
  name: 'look_up',
  registered: null,
  hints: null,
  isTrusted: false,
  ...given,
});
const isAtLeast = (a: (typeof toolClasses)[number], b: (typeof toolClasses)[number]): boolean =>
  toolClasses.indexOf(a) >= toolClasses.indexOf(b);

const hint = fc.constantFrom(true, false, null, undefined);
const anyHints: fc.Arbitrary<ToolHints> = fc.record({
  readOnlyHint: hint,
  destructiveHint: hint,
  idempotentHint: hint,
});
const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'de\u200Blete_user', 'a'.repeat(300), 'x'.repeat(2000)),
  fc
    .tuple(fc.constantFrom('get', 'list', 'read'), fc.constantFrom(...destructiveWords))
    .map((words) => words.join('_')),
);

describe('the words of a name', () => {
  it.each([
    ['deleteUser', ['delete', 'user']],
    ['delete_user', ['delete', 'user']],
    ['delete-user', ['delete', 'user']],
    ['db.delete.user', ['db', 'delete', 'user']],
    ['server__delete_user', ['server', 'delete', 'user']],
    ['DELETE_USER', ['delete', 'user']],
    ['userDELETEAll', ['user', 'delete', 'all']],
    ['XMLPatch', ['xml', 'patch']],
    ['delete2users', ['delete', '2', 'users']],
    ['de\u200Blete\u2060_user', ['delete', 'user']],
    ['ｄｅｌｅｔｅ_user', ['delete', 'user']],
    ['délete', ['delete']],
    ['обновить_цену', ['обновить', 'цену']],
    ['__proto__', ['proto']],
    ['', []],
    ['\u{1F525}', []],
  ])('%s', (name, words) => {
    expect(nameToWords(name)).toEqual(words);
  });

  it.each(['update', 'sendMail', 'force-push', 'order.create', 'x'.repeat(1001)])('%s does something', (name) => {
    expect(isDestructiveName(name)).toBe(true);
  });

  it.each(['get_updates', 'created_at', 'list_payments', 'dropdown', 'executive_summary', 'a'.repeat(300)])(
    '%s holds no such word as a whole',
    (name) => {
      expect(isDestructiveName(name)).toBe(false);
    },
  );

  it('of any length are found in bounded time', () => {
    for (const piece of ['A', 'aA', '_', '\u0301', 'é', '1'])
      expect(() => isDestructiveName(piece.repeat(100_000))).not.toThrow();
  });
});

describe('the class of a tool', () => {
  it.each<[string, Partial<ToolEvidence>, string, string]>([
    ['registered to read', { registered: 'read', name: 'update_index' }, 'read', 'registration'],
    [
      'registered, against its hints',
      { registered: 'destructive', hints: { readOnlyHint: true }, isTrusted: true },
      'destructive',
      'registration',
    ],
    ['nobody says', {}, 'destructive', 'nobody'],
    ['its name says', { name: 'send_mail' }, 'destructive', 'name'],
    ['trusted to read', { hints: { readOnlyHint: true }, isTrusted: true }, 'read', 'hints'],
    [
      'trusted to read, and named otherwise',
      { name: 'apply_filter', hints: { readOnlyHint: true }, isTrusted: true },
      'destructive',
      'name',
    ],
    ['says it reads, not trusted', { hints: { readOnlyHint: true } }, 'destructive', 'nobody'],
    ['says it destroys, not trusted', { hints: { destructiveHint: true } }, 'destructive', 'hints'],
    [
      'contradicts itself',
      { hints: { readOnlyHint: true, destructiveHint: true }, isTrusted: true },
      'destructive',
      'hints',
    ],
    ['no hint is given', { hints: {}, isTrusted: true }, 'destructive', 'hints'],
    ['a hint is missing', { hints: { idempotentHint: true }, isTrusted: true }, 'destructive', 'hints'],
    [
      'may be done twice',
      { hints: { destructiveHint: false, idempotentHint: true }, isTrusted: true },
      'idempotent',
      'hints',
    ],
    ['only adds', { hints: { destructiveHint: false }, isTrusted: true }, 'destructive', 'hints'],
  ])('%s', (_case, given, expected, source) => {
    expect(classifyTool(evidence(given))).toEqual({ class: expected, source });
  });

  it('is never lowered by hints of one who is not trusted', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom(null, ...toolClasses), anyHints, (name, registered, hints) => {
        const without = classifyTool(evidence({ name, registered }));
        const hinted = classifyTool(evidence({ name, registered, hints }));
        expect(isAtLeast(hinted.class, without.class)).toBe(true);
      }),
    );
  });

  it('is never lowered by the words of its name', () => {
    fc.assert(
      fc.property(
        anyName,
        fc.constantFrom(null, ...toolClasses),
        anyHints,
        fc.boolean(),
        (name, registered, hints, isTrusted) => {
          const plain = classifyTool(evidence({ name: 'q', registered, hints, isTrusted }));
          const named = classifyTool(evidence({ name, registered, hints, isTrusted }));
          expect(isAtLeast(named.class, plain.class)).toBe(true);
          if (registered === null && isDestructiveName(name)) expect(named.class).toBe('destructive');
        },
      ),
    );
  });

  it('is read only when somebody who may say so said it', () => {
    fc.assert(
      fc.property(anyName, anyHints, fc.boolean(), (name, hints, isTrusted) => {
        if (classifyTool(evidence({ name, hints, isTrusted })).class === 'read')
          expect([isTrusted, hints.readOnlyHint]).toEqual([true, true]);
      }),
    );
  });

  it('the higher of two', () => {
    expect([higherClass('read', 'idempotent'), higherClass('destructive', 'read')]).toEqual([
      'idempotent',
      'destructive',
    ]);
  });
});
