import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBodyTexts } from './body-text.ts';

const long = 'All work and no play makes a plain text, and so on and so on and so on.';

describe('bodies in parts', () => {
  it('are the text of JSON.stringify, also of values that changed in place', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 90 }),
      fc.constantFrom<unknown>(
        long,
        `${long}"\\\ud800`,
        undefined,
        null,
        1.5,
        Number.NaN,
        new Date(0),
        () => 1,
        Symbol.iterator,
      ),
      fc.constant({ toJSON: (key: string) => `${long}${key}` }),
    );
    const element = fc.oneof(
      leaf,
      fc.dictionary(fc.constantFrom('role', 'content', '__proto__', 'id'), leaf),
      fc.array(leaf),
    );
    const body = fc.dictionary(
      fc.constantFrom('model', 'messages', 'tools', '__proto__', 'x"y'),
      fc.oneof(leaf, fc.array(element, { maxLength: 5 })),
    );
    fc.assert(
      fc.property(fc.array(body, { maxLength: 5 }), fc.nat(), (bodies, seed) => {
        const texts = createBodyTexts();
        for (const value of [...bodies, ...bodies]) {
          expect(texts.of(value).join('')).toBe(JSON.stringify(value));
          const list = Object.values(value).find(Array.isArray) as unknown[] | undefined;
          const changed = list?.[seed % Math.max(1, list.length)];
          if (typeof changed === 'object' && changed !== null) (changed as Record<string, unknown>)['id'] = seed;
          expect(texts.of(value).join('')).toBe(JSON.stringify(value));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('give known elements the same string, made anew or not', () => {
    const texts = createBodyTexts();
    const turn = (length: number): object => ({
      model: 'm',
      messages: Array.from({ length }, (_, at) => ({
        role: 'user',
        content: [{ type: 'text', text: `${at} ${long}` }],
      })),
    });
    const first = texts.of(turn(3));
    const second = texts.of(turn(4));
    expect(second.length).toBe(first.length + 2);
    expect(second.slice(0, 6)).toEqual(first.slice(0, 6));
  });

  it('throw where JSON.stringify throws, and remember nothing of it', () => {
    const texts = createBodyTexts();
    const body = { messages: [{ content: long, size: 1n }, { content: long }] };
    expect(() => texts.of(body)).toThrow(TypeError);
    body.messages[0] = { content: long };
    expect(texts.of(body).join('')).toBe(JSON.stringify(body));
  });

  it('are one part without a list', () => {
    expect(createBodyTexts().of({ model: 'm', input: long })).toHaveLength(1);
  });
});
