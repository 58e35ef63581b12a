import type { StepView } from '../core/model/step.ts';
import { toPieces } from './recorded-answer.ts';
import type { Block, CutStream, Fields, StreamEvent } from './remade-stream.ts';
import {
  argumentsOf,
  cutToEvents,
  detailOf,
  findRest,
  firstWith,
  isSayable,
  namedEvent,
  toFields,
} from './remade-stream.ts';

/*
 * A stream of OpenAI's responses is a row of items, and its last event repeats them all:
 *
 *   response.created ─► (output_item.added ─► … deltas … ─► output_item.done) … ─► response.completed | incomplete
 */

const kindByType: Readonly<Record<string, Block['kind']>> = {
  message: 'text',
  reasoning: 'reasoning',
  function_call: 'tool-call',
};

const wordDeltas = /^response\.(?:output_text|refusal|reasoning_summary_text|reasoning_text)\.delta$/;

/** Items as far as they came, in their order, and those that came whole. */
function eventsToItems(events: readonly StreamEvent[]): { readonly blocks: readonly Block[]; readonly done: Fields[] } {
  const blockByIndex = new Map<unknown, Block>();
  const done: Fields[] = [];
  for (const { data } of events) {
    const open = blockByIndex.get(data['output_index']);
    const item = toFields(data['item']);
    const type = String(data['type']);
    if (type === 'response.output_item.added') {
      const id = item['call_id'];
      const kind = kindByType[String(item['type'])] ?? 'other';
      blockByIndex.set(data['output_index'], { kind, text: '', id: typeof id === 'string' ? id : null, isDone: false });
    } else if (open !== undefined && type === 'response.output_item.done') {
      open.isDone = true;
      done.push(item);
    } else if (open !== undefined && wordDeltas.test(type)) open.text += String(data['delta'] ?? '');
  }
  return { blocks: [...blockByIndex.values()], done };
}

const prefixByType: Readonly<Record<string, string>> = { message: 'msg', reasoning: 'rs', function_call: 'fc' };

const textOf = (value: unknown): string =>
  (Array.isArray(value) ? (value as unknown[]) : []).map((piece) => String(toFields(piece)['text'] ?? '')).join('\n');

/** What the program sent back of an item: it has what the record of the answer has not. */
function findSent(item: Fields, sentBack: readonly Fields[]): Fields {
  const isSame = (sent: Fields): boolean => {
    if (item['type'] === 'function_call') return sent['call_id'] === item['call_id'];
    const name = item['type'] === 'message' ? 'content' : 'summary';
    return textOf(sent[name]) === textOf(item[name]);
  };
  return sentBack.find((sent) => sent['type'] === item['type'] && 'id' in sent && isSame(sent)) ?? {};
}

const given = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

function partToItem(part: Fields): Fields {
  const id = detailOf(part, 'itemId');
  const text = String(part['text'] ?? '');
  if (part['type'] === 'tool-call') {
    const { toolCallId: call_id, toolName: name } = part;
    const item = { id, type: 'function_call', status: 'completed', arguments: argumentsOf(part), call_id, name };
    return given({ ...item, namespace: detailOf(part, 'namespace') });
  }
  if (part['type'] === 'text') {
    const content = [{ type: 'output_text', annotations: [], logprobs: [], text }];
    const item = { id, type: 'message', status: 'completed', role: 'assistant', content };
    return given({ ...item, phase: detailOf(part, 'phase') });
  }
  const summary = text === '' ? [] : [{ type: 'summary_text', text }];
  return given({ id, type: 'reasoning', summary, encrypted_content: detailOf(part, 'reasoningEncryptedContent') });
}

/** The items of the parts that follow. Ids that nobody recorded are made of the step's, the same in each replay. */
function partsToItems(parts: readonly Fields[], openId: unknown, { step, sentBack }: CutStream): Fields[] {
  const items: Fields[] = [];
  for (const part of parts) {
    const item = partToItem(part);
    const last = items.at(-1);
    // Summaries of one item are parts of their own in the record.
    if (last?.['type'] === 'reasoning' && item['type'] === 'reasoning' && last['id'] === item['id'])
      items[items.length - 1] = {
        ...last,
        summary: [...(last['summary'] as Fields[]), ...(item['summary'] as Fields[])],
      };
    else items.push(item);
  }
  return items.map((item, at) => {
    const { id, status, phase, encrypted_content } = findSent(item, sentBack);
    const made = `${prefixByType[String(item['type'])]!}_${step.id.replaceAll('-', '')}${at}`;
    const known = (at === 0 && typeof openId === 'string' ? openId : null) ?? item['id'] ?? id ?? made;
    return { ...given({ status, phase, encrypted_content }), ...item, id: known };
  });
}

function* messageToEvents(item: Fields): Generator<Fields> {
  const at = { item_id: item['id'], content_index: 0 };
  const [part] = item['content'] as Fields[];
  yield { type: 'response.content_part.added', ...at, part: { ...part, text: '' } };
  for (const delta of toPieces(String(part!['text'])))
    yield { type: 'response.output_text.delta', ...at, delta, logprobs: [] };
  yield { type: 'response.output_text.done', ...at, text: part!['text'], logprobs: [] };
  yield { type: 'response.content_part.done', ...at, part };
}

function* reasoningToEvents(item: Fields): Generator<Fields> {
  for (const [summary_index, part] of (item['summary'] as Fields[]).entries()) {
    const at = { item_id: item['id'], summary_index };
    yield { type: 'response.reasoning_summary_part.added', ...at, part: { ...part, text: '' } };
    for (const delta of toPieces(String(part['text'])))
      yield { type: 'response.reasoning_summary_text.delta', ...at, delta };
    yield { type: 'response.reasoning_summary_text.done', ...at, text: part['text'] };
    yield { type: 'response.reasoning_summary_part.done', ...at, part };
  }
}

function* callToEvents(item: Fields): Generator<Fields> {
  const { id: item_id, arguments: args, name } = item;
  yield { type: 'response.function_call_arguments.delta', item_id, delta: args };
  yield { type: 'response.function_call_arguments.done', item_id, name, arguments: args };
}

function* itemToEvents(item: Fields, output_index: number): Generator<Fields> {
  const isMessage = item['type'] === 'message';
  const isCall = item['type'] === 'function_call';
  const empty = isMessage ? { content: [] } : isCall ? { arguments: '' } : { summary: [] };
  yield {
    type: 'response.output_item.added',
    output_index,
    item: { ...item, ...empty, ...('status' in item ? { status: 'in_progress' } : {}) },
  };
  const within = isMessage ? messageToEvents(item) : isCall ? callToEvents(item) : reasoningToEvents(item);
  for (const event of within) yield { ...event, output_index };
  yield { type: 'response.output_item.done', output_index, item };
}

/** The last event: the whole response, ended as it ended. */
function toEnd(step: StepView, response: Fields, output: readonly Fields[]): Fields {
  const reason = step.finishReason?.raw ?? null;
  const isIncomplete = reason === 'max_output_tokens' || reason === 'content_filter';
  const status = isIncomplete ? 'incomplete' : 'completed';
  const incomplete_details = isIncomplete ? { reason } : null;
  return {
    type: `response.${status}`,
    response: { ...response, status, incomplete_details, output, usage: step.usageRaw ?? null },
  };
}

/** The response as it was announced; of an announcement that was itself cut, what the step knows of it. */
function toResponse(events: readonly StreamEvent[], step: StepView): Fields {
  const told = toFields(firstWith(events, 'response')?.['response']);
  if (typeof told['id'] === 'string') return told;
  return {
    ...{ id: step.providerResponseId ?? `resp_${step.id.replaceAll('-', '')}`, object: 'response' },
    created_at: Math.floor(step.startedAtMs / 1000),
    ...{ status: 'in_progress', model: step.model ?? step.requestedModel ?? '', output: [] },
  };
}

/**
 * A stream of OpenAI's responses that amounts to the recorded answer: what was kept whole as it came, the rest anew. `null`
 * for other streams, and where the rest cannot be told or said.
 */
export function remakeResponses(of: CutStream): string | null {
  const { cut, step, content } = of;
  if (!/^[^{]*\{[^{]*"type": ?"response\.created"/.test(cut.slice(0, 400))) return null;
  const events = cutToEvents(cut);
  const { blocks, done } = eventsToItems(events);
  const from = findRest(content, blocks);
  if (from === null || !isSayable(step, content.slice(from))) return null;
  const response = toResponse(events, step);
  const lastDone = events.findLastIndex(({ data }) => data['type'] === 'response.output_item.done');
  const firstItem = events.findIndex(({ data }) => data['type'] === 'response.output_item.added');
  const kept = events.slice(0, lastDone === -1 ? (firstItem === -1 ? events.length : firstItem) : lastDone + 1);
  const open = events.slice(kept.length).find(({ data }) => data['type'] === 'response.output_item.added');
  const items = partsToItems(content.slice(from), toFields(open?.data['item'])['id'], of);
  const rest: Fields[] = [
    ...(kept.length === 0 ? [{ type: 'response.created', response }] : []),
    ...items.flatMap((item, at) => [...itemToEvents(item, done.length + at)]),
    toEnd(step, response, [...done, ...items]),
  ];
  const numbered = rest.map((event, at) => ({ ...event, sequence_number: kept.length + at }));
  return [...kept.map(({ raw }) => raw), ...numbered.map(namedEvent)].join('');
}
