import { AsyncLocalStorage } from 'node:async_hooks';
import { bytesToText } from '../../core/content/body.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { isIdentity } from './body/content-decoder.ts';
import type { BodySink } from './body/tee.ts';
import { teeBody } from './body/tee.ts';
import type { Exchange } from './exchange.ts';
import type { ClientName, ExchangeRequest } from './exchange-request.ts';
import { toBodyInput, toHeaderMap } from './exchange-request.ts';
import type { HostMatcher } from './hosts.ts';
import { createHostMatcher } from './hosts.ts';
import type { Ledger, LedgerOptions } from './ledger.ts';
import { ledgerOf } from './ledger.ts';
import type { GovernedStart } from '../../core/work/gate.ts';
import { governedStart, signalWithPass } from '../../core/work/gate.ts';
import type { Spending } from './spending/spending.ts';
import { enterExchange } from './spending/spending.ts';
import { closeSighting, isSeen, redirectSighting, withSighting } from './seen.ts';

/** The function that is wrapped and the one that is given back. */
export type Fetch = typeof globalThis.fetch;

/** What may be set of a recording fetch. */
export interface RecordingFetchOptions extends LedgerOptions {
  /** Record requests to these hosts only; all that go through this fetch when left out. */
  readonly hosts?: readonly string[];
}

/** Which requests a fetch records. */
export interface FetchRule {
  readonly isListed: HostMatcher;
  readonly isEverything: boolean;
  /** The client whose requests go through it, where there is only one. */
  readonly client?: ClientName;
}

type Input = Parameters<Fetch>[0];

/** Makes the call; the signal is that of a governed run's pass, which may cut it off. */
export type Call = (signal: AbortSignal | null) => Promise<Response>;

function toUrl(input: Input): URL | null {
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : (input as { url?: unknown }).url;
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
}

function methodOf(input: Input, init: RequestInit | undefined): string {
  return String(init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
}

/** What a call of fetch asks for, or `null` when fetch will refuse it. */
export function toRequest(input: Input, init: RequestInit | undefined): ExchangeRequest | null {
  const url = toUrl(input);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const from = input instanceof Request ? input : null;
  const headers = toHeaderMap(init?.headers ?? from?.headers ?? {});
  const given = init?.body ?? null;
  const contentType = headers['content-type'] ?? null;
  const { input: body, text } =
    given === null && from?.body != null ? withheldStream(contentType) : toBodyInput(given, contentType);
  return { method: methodOf(input, init), url, headers, body, text, isObservedAfter: false };
}

const withheldStream = (contentType: string | null): { input: ExchangeRequest['body']; text: null } => ({
  input: { data: null, contentType, withheld: 'stream' },
  text: null,
});

/** A Request's body as text, when its copy can be read at once: in memory, not on its way from somewhere. */
async function readCopy(request: Request, bytesMax: number): Promise<string | null> {
  const reader = (request.clone().body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isLate = false;
  const deadline = new Promise<null>((resolve) => setImmediate(() => setImmediate(() => resolve(null))));
  const whole = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytesToText(Buffer.concat(chunks), request.headers.get('content-type') ?? '');
      chunks.push(value);
      bytes += value.byteLength;
      if (bytes > bytesMax || isLate) return null;
    }
  })();
  const text = await Promise.race([whole.catch(() => null), deadline]);
  isLate = true;
  if (text === null) reader.cancel().catch(() => undefined);
  return text;
}

function toSink(exchange: Exchange, ledger: Ledger): BodySink {
  return {
    chunk: (bytes) => void ledger.guard(() => exchange.chunk(bytes)),
    end: () => void ledger.guard(() => exchange.end()),
    leave: () => void ledger.guard(() => exchange.leave()),
    fail: (error) => void ledger.guard(() => exchange.fail(error)),
    wait: (isWaiting) => exchange.wait(isWaiting),
    isReadAhead: () => !exchange.isEventStream || exchange.isTold,
    isDrained: () => exchange.isRefusal,
    onStart: (cut) => exchange.spending?.onRefused(cut),
  };
}

/** Properties of an answer that a new one would not have. */
function disguise(copy: Response, original: Response): Response {
  for (const name of ['url', 'redirected', 'type'] as const) {
    Object.defineProperty(copy, name, { get: () => original[name], configurable: true });
  }
  const clone = copy.clone.bind(copy);
  Object.defineProperty(copy, 'clone', {
    value: () => disguise(clone(), original),
    configurable: true,
    writable: true,
  });
  return copy;
}

/** The answer as the caller gets it: the same in everything, its body told to the exchange as the caller reads it. */
function observeResponse(response: Response, exchange: Exchange, ledger: Ledger): Response {
  const headers = toHeaderMap(response.headers);
  const isPlain = isIdentity(headers['content-encoding']);
  exchange.head(response.status, headers, isPlain);
  const body: unknown = response.body;
  if (body === null || body === undefined) {
    exchange.end();
    return response;
  }
  const isOurs =
    body instanceof ReadableStream &&
    !body.locked &&
    !response.bodyUsed &&
    response.status >= 200 &&
    response.status <= 599;
  if (!isOurs) {
    // A foreign kind of answer is handed through as it is; only its head is known.
    exchange.blind();
    exchange.end();
    return response;
  }
  const Kind = response.constructor as typeof Response;
  const stream = teeBody(body as ReadableStream<Uint8Array>, toSink(exchange, ledger), ledger.limits.drainBytesMax);
  const copy = new Kind(stream, {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
  return disguise(copy, response);
}

/** Sends a request whose recording has begun; its answer is told to the exchange as the caller reads it. */
function send(
  ledger: Ledger,
  of: { readonly request: ExchangeRequest; readonly exchange: Exchange },
  call: () => Promise<Response>,
): Promise<Response> {
  const { request, exchange } = of;
  return withSighting(request.method, request.url, (sighting) => {
    const failed = (error: unknown): never => {
      closeSighting(sighting);
      ledger.guard(() => exchange.fail(error));
      throw error;
    };
    let sent: Promise<Response>;
    try {
      sent = Promise.resolve(call());
    } catch (error) {
      return failed(error);
    }
    return sent.then((response) => {
      closeSighting(sighting);
      return ledger.guard(() => observeResponse(response, exchange, ledger)) ?? response;
    }, failed);
  });
}

/**
 * Records one call of a client, if its request is one of those that the rule names: the start is written when `call` is
 * called (I3). What it answers or throws is the caller's, unchanged.
 */
export function recordCall(
  ledger: Ledger,
  of: { readonly request: ExchangeRequest; readonly rule: FetchRule },
  call: Call,
): Promise<Response> {
  const { request, rule } = of;
  const governed = ledger.guard(() => governedStart(ledger.recorder)) ?? null;
  const begun = ledger.guard(() =>
    ledger.begin(request, { isListed: rule.isListed(request.url), isEverything: rule.isEverything }),
  );
  if (governed !== null && begun !== null) return sendGoverned(ledger, { request, exchange: begun, governed }, call);
  const exchange = begun ?? null;
  return exchange === null ? call(null) : send(ledger, { request, exchange }, () => call(null));
}

/** Sends a request of a governed run, if its start was recorded and the gate lets it out. */
async function sendGoverned(
  ledger: Ledger,
  of: { readonly request: ExchangeRequest; readonly exchange: Exchange | undefined; readonly governed: GovernedStart },
  call: Call,
): Promise<Response> {
  const { request, exchange, governed } = of;
  let spending: Spending | null;
  try {
    spending = await enterExchange(governed, exchange?.place ?? null, request);
  } catch (error) {
    ledger.guard(() => exchange?.fail(error));
    throw error;
  }
  if (spending !== null) exchange!.spend(spending);
  const signal = spending?.signal ?? null;
  return send(ledger, { request, exchange: exchange! }, () => untilCut(call(signal), signal));
}

/** The answer, or why the call was cut off before there was one: also of a client that is deaf to its signal. */
function untilCut(sent: Promise<Response>, signal: AbortSignal | null): Promise<Response> {
  if (signal === null) return sent;
  return new Promise((resolve, reject) => {
    const cutOff = (): void => {
      reject(signal.reason as Error);
      // What comes after all is let go; nobody is left to read it.
      sent.then((response) => response.body?.cancel()).catch(() => undefined);
    };
    if (signal.aborted) return cutOff();
    signal.addEventListener('abort', cutOff, { once: true });
    sent.then(resolve, reject).finally(() => signal.removeEventListener('abort', cutOff));
  });
}

/** What fetch is called with so that it also ends with a signal of ours. */
function withSignal(input: Input, init: RequestInit | undefined, signal: AbortSignal): RequestInit {
  const own = init?.signal === undefined && input instanceof Request ? input.signal : init?.signal;
  return { ...init, signal: signalWithPass(own, signal) };
}

/** A fetch that records by a rule. What it calls is looked up at each call. */
export function wrapFetch(ledger: Ledger, inner: () => Fetch, rule: FetchRule): Fetch {
  return function fetch(input: Input, init?: RequestInit): Promise<Response> {
    const call: Call = (signal) => inner()(input, signal === null ? init : withSignal(input, init, signal));
    const url = ledger.guard(() => toUrl(input)) ?? null;
    if (url === null) return call(null);
    if (isSeen()) {
      ledger.guard(() => redirectSighting(methodOf(input, init), url));
      return call(null);
    }
    if (ledger.guard(() => ledger.mayConcern(rule.isEverything || rule.isListed(url))) === false) return call(null);
    const known = ledger.guard(() => toRequest(input, init)) ?? null;
    if (known === null) return call(null);
    const request = rule.client === undefined ? known : { ...known, client: rule.client };
    const copied = ledger.guard(() => copyOf(input, init, { request, rule })) ?? null;
    if (copied === null) return recordCall(ledger, { request, rule }, call);
    const inScope = AsyncLocalStorage.snapshot();
    return copied.then((text) => {
      const body = { data: text, contentType: request.headers['content-type'] ?? null };
      const whole = text === null ? request : { ...request, body, text };
      return inScope(() => recordCall(ledger, { request: whole, rule }, call));
    });
  };
}

/** The body of a Request object is only in its stream: it is read from a copy, where that is safe. */
function copyOf(
  input: Input,
  init: RequestInit | undefined,
  { request, rule }: { readonly request: ExchangeRequest; readonly rule: FetchRule },
): Promise<string | null> | null {
  const isWanted = rule.isEverything || rule.isListed(request.url);
  if (
    !isWanted ||
    !(input instanceof Request) ||
    init?.body != null ||
    input.body === null ||
    input.bodyUsed ||
    input.body.locked
  )
    return null;
  if (!/json|text|form-urlencoded/i.test(request.headers['content-type'] ?? '')) return null;
  return readCopy(input, 32 * 1024 * 1024);
}

/**
 * A fetch that behaves as the one given, the process's own when left out, and records every exchange through it: in
 * the SDK's attempt that is open around the call, else as a step of its own. Never changes what is sent, received or
 * thrown.
 */
export function recordingFetch(recorder: Recorder, fetch?: Fetch, options: RecordingFetchOptions = {}): Fetch {
  if (!recorder.recording) return fetch ?? globalThis.fetch;
  const { hosts } = options;
  const rule: FetchRule = {
    isListed: hosts === undefined ? () => true : createHostMatcher(hosts),
    isEverything: hosts === undefined,
  };
  return wrapFetch(ledgerOf(recorder, options), () => fetch ?? globalThis.fetch, rule);
}
