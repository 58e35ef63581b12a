import type { ParsedRequest } from '../format.ts';
import { toText } from '../fields.ts';
import { toOptions } from './options.ts';
import type { MessageText, RequestText } from './request-text.ts';
import { openRequest, toMessageText, toTools, wrapMessage } from './request-text.ts';

/** Members of a request that hold neither its conversation nor what is read apart, with their values. */
export type OtherMembers = readonly (readonly [key: string, value: unknown])[];

/**
 * A request body in the recorder's words; `null` when it is no JSON object. What `find` leaves out is read as most
 * formats have it: `model`, `stream` and `tools` at the top level, every member that is not `known` an option.
 */
export function readRequest(
  text: string,
  known: ReadonlySet<string>,
  find: (body: RequestText, others: OtherMembers) => Partial<ParsedRequest>,
): ParsedRequest | null {
  const body = openRequest(text);
  if (body === null) return null;
  const others = [...body.keys].filter((key) => !known.has(key)).map((key) => [key, body.value(key)] as const);
  const found = find(body, others);
  return {
    operation: body.value('stream') === true ? 'stream' : 'generate',
    model: toText(body.value('model')),
    messages: null,
    marks: [],
    request: undefined,
    continues: null,
    ...found,
    tools: found.tools === undefined ? toTools(body) : found.tools,
    options: found.options ?? toOptions(others),
  };
}

/** The messages under `list`; where that is no list, what stands under `bare` is the one thing the user said. */
export function toSpoken(body: RequestText, list: string, bare: string | null): readonly MessageText[] {
  const spoken = body.elements(list)?.map((message) => toMessageText(message));
  if (spoken !== undefined) return spoken;
  const exact = bare === null ? null : body.raw(bare);
  return exact === null ? [] : [wrapMessage('user', 'content', exact)];
}

/** Messages with the system prompt under `key` in front, where the request has one. */
export function withSystem(body: RequestText, key: string, spoken: readonly MessageText[]): readonly MessageText[] {
  const exact = body.raw(key);
  return exact === null || exact === 'null' ? spoken : [wrapMessage('system', 'content', exact), ...spoken];
}
