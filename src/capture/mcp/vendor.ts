import { parseTraceparent } from '../../core/trace-context.ts';

/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * A transport of the Model Context Protocol, as far as it is touched here: those of `@modelcontextprotocol/client` and
 * `server` 2.x and of `@modelcontextprotocol/sdk` 1.x are ones. No vendor package is imported.
 */
export interface McpTransport {
  start(): Promise<void>;
  send(message: object, options?: object): Promise<void>;
  close(): Promise<void>;
}

/** A server (`McpServer` or `Server`) of either package, as far as it is touched here. */
export interface McpServerLike {
  connect(transport: McpTransport): Promise<void>;
}

/** A question of one peer to the other. */
export interface Request {
  readonly type: 'request';
  readonly id: unknown;
  readonly method: string;
  readonly params: Fields;
}

/** What one peer tells the other without being answered. */
export interface Notification {
  readonly type: 'notification';
  readonly method: string;
  readonly params: Fields;
}

/** The answer to a request: a result, or an error. */
export interface Answer {
  readonly type: 'answer';
  readonly id: unknown;
  readonly result: unknown;
  readonly error: Fields | null;
}

/** A JSON-RPC message, read. */
export type Message = Request | Notification | Answer;

const none: Fields = Object.freeze({});

/** An object that can be read by field, or `null`. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null;
}

/** A text that is not empty, or `null`. */
export function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** JSON of a value, to compare by; what has none is its own kind. In one process a message may be anything. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'none';
  } catch {
    // A circle or a bigint: it could not have come over a wire.
    return 'no JSON';
  }
}

/** What a message says, whatever it is; `null` for what is no message. Judges as the SDKs do: by the fields it has. */
export function parseMessage(value: unknown): Message | null {
  const fields = toFields(value);
  if (fields === null) return null;
  const { id, method } = fields;
  if (typeof method !== 'string') {
    if (!('result' in fields) && !('error' in fields)) return null;
    return { type: 'answer', id, result: fields['result'], error: toFields(fields['error']) };
  }
  const params = toFields(fields['params']) ?? none;
  return 'id' in fields ? { type: 'request', id, method, params } : { type: 'notification', method, params };
}

/** The messages of what a transport was handed: one, or each of a batch of the older revisions. */
export function parseMessages(value: unknown): readonly Message[] {
  const each = Array.isArray(value) ? (value as unknown[]).map(parseMessage) : [parseMessage(value)];
  return each.filter((message) => message !== null);
}

/** `_meta` of a request's parameters or of a result. */
export function metaOf(value: unknown): Fields {
  return toFields(toFields(value)?.['_meta']) ?? none;
}

/** The name a server gives itself in a result: of `initialize` in its own field, since 2026-07-28 in `_meta`. */
export function serverNameOf(result: unknown): string | null {
  const stamped = toFields(metaOf(result)['io.modelcontextprotocol/serverInfo']);
  return toText(toFields(toFields(result)?.['serverInfo'])?.['name']) ?? toText(stamped?.['name']);
}

/** The trace that the sender's call belongs to, by a W3C `traceparent` in `_meta`; `null` when there is none. */
export function traceIdOf(params: Fields): string | null {
  return parseTraceparent(metaOf(params)['traceparent']);
}
