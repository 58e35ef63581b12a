import type { ReactNode } from 'react';
import type { WireEvent } from '../api/wire.ts';
import { toDuration, toPlural } from '../model/figures.ts';
import { Words } from '../parts/recorded-text.tsx';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function joined(...words: readonly (string | null)[]): ReactNode {
  return <Words text={words.filter((word) => word !== null && word !== '').join(' · ')} charsMax={400} />;
}

function errorWords(value: unknown): string | null {
  const error = fieldsOf(value);
  const name = textOf(error['name']);
  return name === null ? null : `${name}: ${textOf(error['message']) ?? ''}`;
}

type View = (facts: Fields, payload: Fields, event: WireEvent) => ReactNode;

/** One view per type that says more than its fields; the others show their payload. */
const viewByType: ReadonlyMap<string, View> = new Map<string, View>([
  [
    'run-create',
    (facts, payload) => joined(textOf(payload['agentId']), textOf(payload['name']), textOf(facts['source'])),
  ],
  [
    'run-end',
    (facts, payload) =>
      joined(textOf(facts['endReason']), toDuration(numberOf(facts['durationMs'])), errorWords(payload['error'])),
  ],
  [
    'step-start',
    (facts, payload) =>
      joined(textOf(facts['kind']), textOf(payload['name']) ?? textOf(payload['model']) ?? textOf(facts['operation'])),
  ],
  [
    'step-end',
    (facts, payload) =>
      joined(textOf(facts['status']), toDuration(numberOf(facts['durationMs'])), errorWords(payload['error'])),
  ],
  [
    'attempt-start',
    (_, payload, event) => joined(`attempt ${event.attempt ?? ''}`, textOf(payload['method']), textOf(payload['path'])),
  ],
  [
    'attempt-end',
    (facts, payload, event) =>
      joined(
        `attempt ${event.attempt ?? ''}`,
        textOf(facts['status']),
        numberOf(facts['responseStatus']) === null ? null : `HTTP ${String(facts['responseStatus'])}`,
        textOf(facts['retryClass']),
        errorWords(payload['error']),
      ),
  ],
  [
    'log',
    (_, payload) =>
      joined(textOf(payload['type']), payload['data'] === undefined ? null : JSON.stringify(payload['data'])),
  ],
  ['error', (_, payload) => joined(errorWords(payload['error']))],
  [
    'gap',
    (facts, payload) =>
      joined(
        textOf(facts['reason']),
        `${toPlural(numberOf(facts['events']) ?? 0, 'event')} and ${toPlural(numberOf(facts['contents']) ?? 0, 'content')} lost`,
        textOf(payload['detail']),
      ),
  ],
  [
    'content-erase',
    (_, payload) =>
      joined(
        textOf(payload['scope']),
        toPlural(numberOf(payload['events']) ?? 0, 'event'),
        `${String(payload['contents'] ?? 0)} contents`,
      ),
  ],
]);

/** What an event says, in a line. An erased payload says so. */
export function EventWords({ event }: { event: WireEvent }) {
  const view = viewByType.get(event.type);
  if (event.payload === null) return <span className="faint">erased</span>;
  if (view === undefined) return <Words text={JSON.stringify(event.payload)} charsMax={400} />;
  return view(fieldsOf(event.facts), fieldsOf(event.payload), event);
}
