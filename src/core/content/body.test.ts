import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BodyRef } from '../model/attempt.ts';
import { createBodyTexts } from '../../capture/ai-sdk/map/body-text.ts';
import type { BodyInput } from '../record/recording.ts';
import { createRedactor } from '../redact/create.ts';
import { createBodyMemory, recordBody, recordRequestBody } from './body.ts';
import { readBody } from './body-reading.ts';
import type { Content } from './content.ts';
import { createContentNamer } from './content.ts';
import { rootNodeId } from './context.ts';
import { createDraft, createInterner } from './interner.ts';

const key = new Uint8Array(32);

function createTools() {
  const redactor = createRedactor({ key });
  const draft = createDraft(1);
  const interner = createInterner({ namer: createContentNamer(key), redactor, knownMax: 100_000 });
  const tools = { redactor, interner, draft, bytesMax: 50_000 };
  const contents = (ids: readonly string[]): Content[] =>
    ids.flatMap((id) => draft.contents.find((content) => content.id === id) ?? []);
  const readPath = async (nodeId: string): Promise<Content[]> => {
    const ids: string[] = [];
    for (let at = nodeId; at !== rootNodeId;) {
      const node = draft.nodes.find(({ id }) => id === at)!;
      ids.unshift(node.contentId);
      at = node.parentId;
    }
    return contents(ids);
  };
  const textOf = async (ref: BodyRef): Promise<string | null> => {
    const bytes = await readBody(ref, { readContents: async (ids) => contents(ids), readPath });
    return bytes === null ? null : Buffer.from(bytes).toString();
  };
  return { tools, textOf, draft, interner };
}

/** A body as text, or in parts whose known ones are the same strings. */
function inputsOf(): (value: object, isParted: boolean) => BodyInput {
  const texts = createBodyTexts();
  return (value, isParted) => ({
    contentType: 'application/json',
    ...(isParted ? { data: null, parts: texts.of(value) } : { data: JSON.stringify(value) }),
  });
}

const message = fc.record({
  role: fc.constantFrom('user', 'assistant'),
  content: fc.string({ unit: 'binary', maxLength: 900 }),
});

describe('request bodies', () => {
  it('read back identical, whatever grows, changes, forks or is forgotten in between', async () => {
    const turn = fc.record({
      add: fc.array(message, { maxLength: 4 }),
      keep: fc.nat(12),
      isForgotten: fc.boolean(),
      isModelFirst: fc.boolean(),
      isParted: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 8 }), async (turns) => {
        const { tools, textOf, interner } = createTools();
        const memory = createBodyMemory();
        let messages: unknown[] = [];
        const inputOf = inputsOf();
        for (const { add, keep, isForgotten, isModelFirst, isParted } of turns) {
          messages = [...messages.slice(0, keep), ...add];
          const value = isModelFirst ? { model: 'm', messages } : { messages, model: 'm' };
          if (isForgotten) interner.forget();
          const ref = recordRequestBody(inputOf(value, isParted), { url: 'u', memory }, tools);
          expect(await textOf(ref)).toBe(JSON.stringify(value));
          expect(ref.bytes).toBe(Buffer.byteLength(JSON.stringify(value)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each([true, false])('keep their secrets out of every piece, in parts: %s', async (isParted) => {
    const { tools, textOf } = createTools();
    const memory = createBodyMemory();
    const inputOf = inputsOf();
    const secret = ['sk', 'ant', 'api03', 'A'.repeat(40)].join('-');
    const messages = [{ role: 'user', content: 'x'.repeat(600) }];
    for (const content of ['y'.repeat(600), `my key is ${secret}`, 'z'.repeat(600)]) {
      messages.push({ role: 'user', content });
      const input = inputOf({ messages, model: 'm' }, isParted);
      const text = await textOf(recordRequestBody(input, { url: 'u', memory }, tools));
      expect(text).not.toContain(secret);
      expect((JSON.parse(text!) as { messages: unknown[] }).messages).toHaveLength(messages.length);
    }
  });

  it('are judged whole where a denied key encloses what is new', async () => {
    const { tools, textOf } = createTools();
    const memory = createBodyMemory();
    const padding = [{ a: 'A'.repeat(700) }, { b: 'B'.repeat(700) }];
    // A schema may stay under a denied key, but not one that is too long to be judged, nor one that holds a value.
    const schemas = (length: number): object[] =>
      Array.from({ length }, () => ({ type: 'string', description: 'words of the schema '.repeat(40) }));
    const secrets = [{ anyOf: schemas(70) }, { anyOf: schemas(100) }, { anyOf: schemas(70), default: 'hunter2' }];
    const bodies = secrets.map((secret) => JSON.stringify({ messages: padding, secret }));
    const texts: (string | null)[] = [];
    for (const data of bodies)
      texts.push(
        await textOf(recordRequestBody({ data, contentType: 'application/json' }, { url: 'u', memory }, tools)),
      );
    expect(texts).toEqual(bodies.map((data) => tools.redactor.body(data, 'application/json').value));
    expect(texts[0]).toContain('words of the schema');
    expect(texts[1]).not.toContain('words of the schema');
    expect(texts[2]).not.toContain('hunter2');
  });

  it('are redacted as they would be without a memory, whatever they grew from', async () => {
    const word = fc.constantFrom('secret', 'anyOf', 'default', 'content', 'text', 'a"},{"b', 'api_key', '\\', '},{');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>('hunter2', '},{', 'x'.repeat(300), '\\"', 1, null),
        tie('value').chain((inner) =>
          fc.array(fc.dictionary(word, fc.constant(inner), { maxKeys: 2 }), { maxLength: 4 }),
        ),
        fc.dictionary(word, tie('value'), { maxKeys: 3 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 2, maxLength: 6 }), word, fc.nat(), async (values, key, parted) => {
        const { tools, textOf } = createTools();
        const inputOf = inputsOf();
        const memory = createBodyMemory();
        for (let length = 1; length <= values.length; length += 1) {
          const body = { model: 'm', [key]: values.slice(0, length).map((item) => ({ item })) };
          const data = JSON.stringify(body);
          const ref = recordRequestBody(inputOf(body, ((parted >> length) & 1) === 1), { url: 'u', memory }, tools);
          expect(await textOf(ref)).toBe(tools.redactor.body(data, 'application/json').value);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('cost their new messages, also in another run and when conversations take turns', () => {
    const { tools, draft } = createTools();
    const memory = createBodyMemory();
    const conversations = Array.from({ length: 8 }, (): { role: string; content: string }[] => []);
    let unique = 0;
    for (let turn = 0; turn < 40; turn += 1) {
      for (const [index, messages] of conversations.entries()) {
        const content = `${index} ${turn} `.repeat(200);
        unique += content.length;
        messages.push({ role: 'user', content });
        const data = JSON.stringify({ model: 'm', messages });
        recordRequestBody({ data, contentType: 'application/json' }, { url: 'u', memory }, tools);
      }
    }
    const stored = draft.contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(stored).toBeLessThan(unique * 2.2);
  });
});

describe('other bodies', () => {
  it('are cut at the cap without splitting a character, and say so', async () => {
    const { tools, textOf } = createTools();
    const ref = recordBody({ data: 'é'.repeat(40_000), contentType: 'text/plain' }, tools);
    expect(ref).toMatchObject({ truncated: true, bytes: 80_000 });
    expect(await textOf(ref)).toBe('é'.repeat(25_000));
  });

  it('are withheld when they are no text', () => {
    const { tools } = createTools();
    expect(recordBody({ data: new Uint8Array([1, 2, 3]), contentType: 'image/png' }, tools)).toMatchObject({
      contentId: null,
      withheld: 'not-text',
      bytes: 3,
    });
  });
});

describe('bytes in another charset than UTF-8 (I4)', () => {
  const secret = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');
  const text = `it is ${secret} ok`;
  const swapped = Buffer.from(text, 'utf16le').swap16();
  const marked = (bytes: Buffer, ...mark: number[]): Buffer => Buffer.concat([Buffer.from(mark), bytes]);

  it.each([
    ['named', Buffer.from(text, 'utf16le'), 'text/plain; charset=utf-16le'],
    ['named in quotes, the other end first', swapped, 'text/plain; charset="UTF-16BE"'],
    ['by its mark', marked(Buffer.from(text, 'utf16le'), 0xff, 0xfe), 'text/plain'],
    ['by its mark, the other end first', marked(swapped, 0xfe, 0xff), 'text/plain; charset=utf-8'],
    ['of one byte', Buffer.from(text, 'latin1'), 'text/plain; charset=iso-8859-1'],
  ])('%s: is read, and redacted', async (_how, data, contentType) => {
    const { tools, textOf } = createTools();
    expect(await textOf(recordBody({ data, contentType }, tools))).toMatch(
      /^it is \[REDACTED:anthropic-key:[0-9a-f]{8}\] ok$/,
    );
  });

  it.each([
    ['not named', Buffer.from(text, 'utf16le'), 'text/plain'],
    ['not named, in JSON', Buffer.from(JSON.stringify([text]), 'utf16le'), 'application/json'],
    ['unknown', Buffer.from(text, 'utf16le'), 'text/plain; charset=x-nobody'],
  ])('%s: is withheld', (_how, data, contentType) => {
    const { tools } = createTools();
    expect(recordBody({ data, contentType }, tools)).toMatchObject({
      contentId: null,
      withheld: 'not-text',
      bytes: data.length,
    });
    expect(recordRequestBody({ data, contentType }, { url: '/', memory: createBodyMemory() }, tools)).toMatchObject({
      withheld: 'not-text',
    });
  });
});
