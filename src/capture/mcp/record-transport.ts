import type { Safely } from '../../core/listener.ts';
import { createSafely } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { McpTransportOptions } from './options.ts';
import type { Passage, Session } from './session.ts';
import { createSession } from './session.ts';
import { endWithRecorder } from './sessions.ts';
import type { McpTransport } from './vendor.ts';

type Callback = (...args: unknown[]) => unknown;

const isCallback = (value: unknown): value is Callback => typeof value === 'function';

/** Transports that are recorded already, with their recorder. */
const recorderByTransport = new WeakMap<object, Recorder>();

const through: Passage = { within: (fn) => fn(), failed: () => undefined };

interface Wiring {
  readonly transport: McpTransport;
  readonly session: Session;
  readonly safely: Safely;
  readonly forget: () => void;
}

function recordingSend({ transport, session, safely }: Wiring, send: Callback): Callback {
  return (...args) => {
    const passage = safely(() => session.passing('sent', args[0], args[1]), through);
    const failed = (error: unknown): void => safely(() => passage.failed(error), undefined);
    let sent: unknown;
    try {
      sent = passage.within(() => Reflect.apply(send, transport, args));
    } catch (error) {
      failed(error);
      throw error;
    }
    // The caller gets the very promise; this branch of it only watches.
    if (sent instanceof Promise) void sent.then(undefined, failed);
    return sent;
  };
}

function recordingMessage({ session, safely }: Wiring, onmessage: Callback): Callback {
  return function (this: unknown, ...args) {
    const passage = safely(() => session.passing('received', args[0]), through);
    return passage.within(() => Reflect.apply(onmessage, this, args));
  };
}

function recordingClose({ session, safely, forget }: Wiring, onclose: Callback): Callback {
  return function (this: unknown, ...args) {
    safely(() => session.closed(), undefined);
    forget();
    return Reflect.apply(onclose, this, args);
  };
}

/** A value that the language lets no proxy replace. */
function isFixed(target: object, key: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, key);
  return own !== undefined && own.configurable === false && own.writable === false;
}

/**
 * The transport as its host sees it: every field is the transport's own, but what goes through `send`, `onmessage` and
 * `onclose` is heard. Methods run on the transport itself, so private fields work; what the host sets in place of `send`
 * stays on this side.
 */
function createProxy<T extends McpTransport>(transport: T, wiring: Wiring): T {
  const boundByMethod = new WeakMap<Callback, Callback>();
  const givenByKey = new Map<PropertyKey, { readonly given: unknown; readonly placed: unknown }>();
  const wrapByKey = new Map<PropertyKey, (callback: Callback) => Callback>([
    ['onmessage', (callback) => recordingMessage(wiring, callback)],
    ['onclose', (callback) => recordingClose(wiring, callback)],
  ]);
  let send: unknown = isCallback(transport.send) ? recordingSend(wiring, transport.send as Callback) : transport.send;

  const boundOf = (method: Callback): Callback => {
    const bound = boundByMethod.get(method) ?? (method.bind(transport) as Callback);
    boundByMethod.set(method, bound);
    return bound;
  };
  return new Proxy(transport, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (isFixed(target, key)) return value;
      if (key === 'send') return send;
      const placed = givenByKey.get(key);
      if (placed !== undefined && placed.placed === value) return placed.given;
      return isCallback(value) && key !== 'constructor' && !wrapByKey.has(key) ? boundOf(value) : value;
    },
    set(target, key, value: unknown) {
      if (key === 'send') {
        send = value;
        return true;
      }
      const wrap = wrapByKey.get(key);
      if (wrap === undefined || !isCallback(value)) return Reflect.set(target, key, value, target);
      const placed = wrap(value);
      givenByKey.set(key, { given: value, placed });
      return Reflect.set(target, key, placed, target);
    },
  });
}

/**
 * Records what passes a transport of the Model Context Protocol, both ways: hand the result to `connect` in its place.
 * Works on the transports of `@modelcontextprotocol/client`, `server` and `node` 2.x, of `@modelcontextprotocol/sdk` 1.x,
 * and on any of their shape. A tool call is a tool step, begun in the record before the message leaves (I3); other
 * requests are phases, notifications logs. Never changes a message, its order, or an error (I1). With a recorder that
 * records nothing, and for a transport recorded already, the identical object is given back.
 */
export function recordTransport<T extends McpTransport>(
  transport: T,
  recorder: Recorder,
  options: McpTransportOptions = {},
): T {
  if (!recorder.recording || typeof transport !== 'object' || transport === null) return transport;
  if (recorderByTransport.get(transport) === recorder) return transport;
  const safely = createSafely(options.onError);
  const session = createSession({ side: 'client', ...options, recorder }, () =>
    safely(() => (transport as { sessionId?: unknown }).sessionId, undefined),
  );
  const forget = endWithRecorder(recorder, session, safely);
  const proxy = createProxy(transport, { transport, session, safely, forget });
  recorderByTransport.set(proxy, recorder);
  return proxy;
}
