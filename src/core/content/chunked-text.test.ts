import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../redact/create.ts';
import { joinChunks } from './chunked-text.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');
const sse = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const stream = { contentType: 'text/event-stream', isCut: false };
const joined = (text: string, of: Parameters<typeof joinChunks>[1] = stream): string =>
  joinChunks(text, of, redactor).value;

/** What the chunks of one place say, one after the other. */
const saidIn = (body: string, read: (event: never) => string | undefined): string =>
  body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => read(JSON.parse(line.slice(6)) as never) ?? '')
    .join('');

type Chat = {
  choices: { delta: { content?: string; tool_calls?: { index: number; function: { arguments: string } }[] } }[];
};
const chat = (content: string): string => sse({ id: 'c', choices: [{ index: 0, delta: { content } }] });

describe('a secret that lies across the chunks of a stream (I4)', () => {
  it('goes, wherever it is split, and the words around it stay', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: key.length + 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(cuts, (places) => {
        const text = `it is ${key} ok`;
        const at = [0, ...places.toSorted((a, b) => a - b), text.length];
        const body = at
          .slice(1)
          .map((end, index) => chat(text.slice(at[index], end)))
          .join('');
        const { value, counts } = joinChunks(body, stream, redactor);
        const whole = redactor.body(value, 'text/event-stream').value;
        expect(saidIn(whole, (event: Chat) => event.choices[0]!.delta.content)).toMatch(
          /^it is \[REDACTED:anthropic-key:[0-9a-f]{8}\] ok$/,
        );
        expect(counts.length).toBe(body === value ? 0 : 1);
      }),
    );
  });

  it('is told apart from what another tool call says meanwhile', () => {
    const call = (index: number, args: string): string =>
      sse({
        choices: [
          {
            index: 0,
            delta: {
              tool_calls: [
                { index, ...(args.startsWith('{') ? { id: `c${index}` } : {}), function: { arguments: args } },
              ],
            },
          },
        ],
      });
    const body =
      call(0, `{"q":"${key.slice(0, 20)}`) +
      call(1, '{"town":"Be') +
      call(0, `${key.slice(20, 30)}`) +
      call(1, 'rn"}') +
      call(0, `${key.slice(30)}"}`);
    const said = (index: number): string =>
      saidIn(
        joined(body),
        (event: Chat) => event.choices[0]!.delta.tool_calls!.find((each) => each.index === index)?.function.arguments,
      );
    expect(said(0)).toMatch(/^\{"q":"\[REDACTED:anthropic-key:[0-9a-f]{8}\]"\}$/);
    expect(said(1)).toBe('{"town":"Bern"}');
  });

  it('goes from other streams: of blocks, of lines, of plain text', () => {
    const halves = [key.slice(0, 25), key.slice(25)];
    const bodies: [string, string][] = [
      [
        halves
          .map(
            (text) =>
              `event: content_block_delta\n${sse({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text } })}`,
          )
          .join(''),
        'text/event-stream',
      ],
      [
        halves
          .map((delta) => sse({ type: 'response.output_text.delta', item_id: 'm', output_index: 0, delta }))
          .join(''),
        'text/event-stream; charset=utf-8',
      ],
      [
        halves.map((response) => `${JSON.stringify({ model: 'm', response, done: false })}\n`).join(''),
        'application/x-ndjson',
      ],
      [halves.map((text) => `data: ${text}\r\n\r\n`).join(''), 'text/event-stream'],
      [halves.map((text) => sse({ text })).join(''), ''],
    ];
    for (const [body, contentType] of bodies) {
      const value = joined(body, { contentType, isCut: false });
      expect(value).toContain('[REDACTED:anthropic-key:');
      expect(value).not.toContain(halves[1]);
    }
  });

  it('takes the line with it that the end of what was captured went through', () => {
    const body = chat(key.slice(0, 20)) + chat(key.slice(20, 30)) + chat(key.slice(30)).slice(0, -8);
    expect(joined(body, { ...stream, isCut: true })).not.toContain(key.slice(30, 42));
    expect(joined(body, { ...stream, isCut: true })).toMatch(/\[WITHHELD:cut-line:\d+\]$/);
  });

  it('leaves a body without one as it is, byte for byte', () => {
    for (const body of [
      `${chat('some ')}${chat('words')}data: [DONE]\n\n`,
      `: hello\nid: 1\nretry: 3\n${chat('some ').replace('{"id"', '{ "id"')}data: {"n":1e400}\r\n\r\n`,
      chat(key) + chat(' ok'),
      'data: {"a":"x',
      '',
    ])
      expect(joined(body)).toBe(body);
    expect(
      joined(`{"a":"${key.slice(0, 20)}"}\n{"a":"${key.slice(20)}"}`, { contentType: 'text/plain', isCut: false }),
    ).toContain(key.slice(20));
  });
});
