import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BodyRef } from '../model/attempt.ts';
import { createRedactor } from '../redact/create.ts';
import type { PreviousBodies } from './body.ts';
import { commonPrefix, recordBody, recordRequestBody } from './body.ts';
import type { Content } from './content.ts';
import { createContentNamer } from './content.ts';
import { createDraft, createInterner } from './interner.ts';

const key = new Uint8Array(32);

function createTools() {
  const redactor = createRedactor({ key });
  const contentById = new Map<string, Content>();
  const draft = createDraft(1);
  const interner = createInterner({ namer: createContentNamer(key), redactor, knownMax: 100_000 });
  const tools = { redactor, interner, draft, bytesMax: 50_000 };
  const textOf = (id: string): string => {
    for (const content of draft.contents) contentById.set(content.id, content);
    return Buffer.from(contentById.get(id)!.bytes).toString();
  };
  return { tools, textOf, draft };
}

describe('request bodies', () => {
  it('cost what is new and read back identical, whatever grows or changes', () => {
    const message = fc.record({ role: fc.constantFrom('user', 'assistant'), content: fc.string({ unit: 'binary', maxLength: 200 }) });
    fc.assert(
      fc.property(fc.array(fc.array(message, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }), fc.boolean(), (turns, isModelFirst) => {
        const { tools, textOf } = createTools();
        const previousByUrl: PreviousBodies = new Map();
        const recorded: { ref: BodyRef; text: string }[] = [];
        const messages: unknown[] = [];
        for (const [index, turn] of turns.entries()) {
          messages.push(...turn);
          const body = isModelFirst ? { model: 'm', messages } : { messages, model: 'm' };
          const data = JSON.stringify(body);
          const ref = recordRequestBody({ data, contentType: 'application/json' }, { url: 'u', stepId: `s${index}`, attempt: 1, previousByUrl }, tools);
          const rest = textOf(ref.contentId!);
          const base = ref.base === null ? '' : recorded.at(-1)!.text;
          const text = Buffer.concat([Buffer.from(base).subarray(0, ref.prefixBytes), Buffer.from(rest)]).toString();
          expect(text).toBe(data);
          recorded.push({ ref, text });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('stores a long conversation in the space of its new messages', () => {
    const { tools, draft } = createTools();
    const previousByUrl: PreviousBodies = new Map();
    const messages: { role: string; content: string }[] = [];
    let unique = 0;
    for (let turn = 0; turn < 40; turn += 1) {
      const content = `${turn} `.repeat(300);
      unique += content.length;
      messages.push({ role: 'user', content });
      const data = JSON.stringify({ model: 'm', messages });
      recordRequestBody({ data, contentType: 'application/json' }, { url: 'u', stepId: `s${turn}`, attempt: 1, previousByUrl }, tools);
    }
    const stored = draft.contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(stored).toBeLessThan(unique * 1.1);
  });
});

describe('other bodies', () => {
  it('are cut at the cap without splitting a character, and say so', () => {
    const { tools, textOf } = createTools();
    const ref = recordBody({ data: 'é'.repeat(40_000), contentType: 'text/plain' }, tools);
    expect(ref).toMatchObject({ truncated: true, bytes: 80_000 });
    expect(textOf(ref.contentId!)).toBe('é'.repeat(25_000));
  });

  it('are withheld when they are no text', () => {
    const { tools } = createTools();
    expect(recordBody({ data: new Uint8Array([1, 2, 3]), contentType: 'image/png' }, tools)).toMatchObject({ contentId: null, withheld: 'not-text', bytes: 3 });
  });
});

describe('common prefix', () => {
  it('never splits a surrogate pair', () => {
    expect(commonPrefix('a😀', 'a😁')).toBe(1);
    expect(commonPrefix('same', 'same')).toBe(4);
    expect(commonPrefix('x'.repeat(9000), `${'x'.repeat(8999)}y`)).toBe(8999);
  });
});
