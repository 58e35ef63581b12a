import { encodeJson } from '../core/content/encoder.ts';
import { maskPlaceholders } from '../core/difference/comparable.ts';
import type { JsonChange } from '../core/difference/json-changes.ts';
import { jsonChanges } from '../core/difference/json-changes.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import type { Redactor } from '../core/redact/redactor.ts';

/** Turns what a program asks now into what its record would say, so that the two can be compared. */
export interface Comparer {
  /** A JSON value as it would have been recorded, the digits of placeholders masked. */
  live(value: unknown): unknown;
  /** A recorded text in the same form. */
  recorded(text: string): unknown;
  /** A body as it would have been recorded; JSON as its value. */
  liveBody(text: string, contentType: string | null): unknown;
  liveUrl(url: string): string;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // What is no JSON is compared as text.
    return text;
  }
}

/**
 * A comparer under the redaction options of the recording. Its key is of no matter, since what a key makes is masked; so
 * a recording can be compared on any machine.
 */
export function createComparer(redact: RedactOptions = {}): Comparer {
  const redactor: Redactor = createRedactor({ ...redact, key: new Uint8Array(32) });
  const recorded = (text: string): unknown => parse(maskPlaceholders(text));
  return {
    live: (value) => recorded(redactor.json(encodeJson(value, true)).value),
    recorded,
    liveBody: (text, contentType) => recorded(redactor.body(text, contentType).value),
    liveUrl: (url) => maskPlaceholders(redactor.url(url).value),
  };
}

/** What a model is asked, in the form of its record. */
export interface ModelRequest {
  readonly messages: readonly unknown[];
  readonly tools: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** What differs between two requests, in a sentence, and where. */
export interface RequestDifference {
  readonly summary: string;
  readonly changes: readonly JsonChange[];
}

function roleOf(message: unknown): string {
  const role = (message as { role?: unknown } | null)?.role;
  return typeof role === 'string' ? role : 'unknown role';
}

function lastText(messages: readonly unknown[]): string | null {
  return messages.length === 0 ? null : JSON.stringify(messages.at(-1));
}

function compareMessages(before: readonly unknown[], after: readonly unknown[]): RequestDifference | null {
  const length = Math.min(before.length, after.length);
  for (let at = 0; at < length; at += 1) {
    const changes = jsonChanges(before[at], after[at]);
    if (changes.length > 0) return { summary: `message ${at + 1} (${roleOf(after[at])}) differs`, changes };
  }
  if (before.length === after.length) return null;
  const extra = (before.length > after.length ? before : after)[length];
  const summary = `${after.length} messages are sent where ${before.length} were recorded`;
  const text = JSON.stringify(extra);
  const change = { path: `message ${length + 1} (${roleOf(extra)})` };
  return before.length > after.length
    ? { summary, changes: [{ ...change, before: text, after: null }] }
    : { summary, changes: [{ ...change, before: null, after: text }] };
}

/** The first part in which two requests differ; `null` when they are the same. */
export function compareRequests(before: ModelRequest, after: ModelRequest): RequestDifference | null {
  const messages = compareMessages(before.messages, after.messages);
  if (messages !== null) return messages;
  const tools = jsonChanges(before.tools, after.tools);
  if (tools.length > 0) return { summary: 'the tools offered to the model differ', changes: tools };
  const options = jsonChanges(before.options, after.options);
  return options.length > 0 ? { summary: 'the options of the call differ', changes: options } : null;
}

/** The last message of a request, as text, for calls that nothing was recorded for. */
export function requestToHint(request: ModelRequest): JsonChange[] {
  return [{ path: `message ${request.messages.length}`, before: null, after: lastText(request.messages) }];
}

/** How many messages two requests begin with in common. */
export function sharedLength(before: ModelRequest, after: ModelRequest): number {
  let at = 0;
  while (
    at < before.messages.length &&
    at < after.messages.length &&
    jsonChanges(before.messages[at], after.messages[at]).length === 0
  )
    at += 1;
  return at;
}
