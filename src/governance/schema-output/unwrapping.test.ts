import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unwrapJson } from './unwrapping.ts';

const fence = '```';

describe('the JSON of an answer', () => {
  test.each([
    ['{"a":1}', '{"a":1}', null],
    [' [1]\n', '[1]', null],
    ['"a"', '"a"', null],
    [`${fence}json\n{"a":1}\n${fence}`, '{"a":1}', 'fence'],
    [`${fence}\n"a"\n${fence}`, '"a"', 'fence'],
    [`${fence}json\r\n[1]\r\n${fence}\n`, '[1]', 'fence'],
    [`${fence}json\n{"code":"${fence}js\\nx\\n${fence}"}\n${fence}`, `{"code":"${fence}js\\nx\\n${fence}"}`, 'fence'],
    [`Sure:\n${fence}json\n{"a":1}\n${fence}\nAnything else?`, '{"a":1}', 'text'],
    ['The answer is {"a":"}{"}. Bye', '{"a":"}{"}', 'text'],
    ['Use {braces} like [this]: {"a":[1,{"b":"\\"]"}]}', '{"a":[1,{"b":"\\"]"}]}', 'text'],
  ])('%j', (text, json, wrapping) => {
    expect(unwrapJson(text)).toEqual({ json, wrapping, found: 1 });
  });

  test.each([
    ['no value', 'I cannot.', 0],
    ['a value cut short', 'Here: {"a":1', 0],
    ['two values', 'For example {"a":1}; the answer is {"a":2}.', 2],
    ['a footnote', 'As in [1]: {"a":1}', 2],
    ['two fences', `${fence}\n[1]\n${fence}\n${fence}\n[2]\n${fence}`, 2],
    ['lines of values', '{"a":1}\n{"a":2}', 2],
    ['nothing', '', 0],
  ])('%s is not chosen from', (_, text, found) => {
    expect(unwrapJson(text)).toEqual({ json: null, wrapping: 'text', found });
  });

  test('is found in any text without brackets', () => {
    const words = fc.string().map((text) => text.replaceAll(/[[\]{}]/g, ''));
    const value = fc.oneof(fc.object(), fc.array(fc.jsonValue())).map((each) => JSON.stringify(each));
    fc.assert(
      fc.property(words, value, words, (before, json, after) => {
        const found = unwrapJson(`${before}x ${json} ${after}x`);
        expect(found).toEqual({ json, wrapping: 'text', found: 1 });
      }),
    );
  });
});
