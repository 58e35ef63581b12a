import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { systemClock } from '../../core/clock.ts';
import type { EndReason } from '../../core/model/run.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { parseTraceparent } from '../../core/trace-context.ts';
import type { Exchange } from '../fetch/exchange.ts';
import { flatToHeaderMap } from '../fetch/exchange-request.ts';
import { isModelCall } from '../fetch/hosts.ts';
import type { Ledger, LedgerOptions } from '../fetch/ledger.ts';
import { ledgerOf } from '../fetch/ledger.ts';
import { closeSighting, withSighting } from '../fetch/seen.ts';
import type { Reach } from './addresses.ts';
import { createGuardedLookup } from './addresses.ts';
import type { Settle } from './answer.ts';
import { sendAnswer } from './answer.ts';
import { recordedHeader, toUpstreamHeaders } from './headers.ts';
import { answerRefusal, toUnreachedMessage } from './refusal.ts';
import type { SentBody } from './request-body.ts';
import { sendBody } from './request-body.ts';
import type { Target } from './target.ts';
import { toProxiedLocation, toTarget } from './target.ts';
import type { Traces } from './traces.ts';
import { createTraces } from './traces.ts';
import type { Upstream } from './upstreams.ts';
import { toUpstreams } from './upstreams.ts';

/** What a recording proxy is made of. */
export interface RecordingProxyOptions extends LedgerOptions {
  readonly recorder: Recorder;
  /** Upstreams besides the known providers, or in the place of one of the same name. */
  readonly upstreams?: readonly Upstream[];
  /** How names are looked up; left out, by the system, with the addresses checked. */
  readonly lookupOf?: (reach: Reach) => LookupFunction;
}

/** A proxy that records the model calls that pass. */
export interface RecordingProxy {
  /**
   * Answers a request whose path begins with `/proxy/`. The caller has made sure who may ask. Never throws; requests that
   * call no model pass unrecorded.
   */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Ends what is open and lets go of the connections to upstreams. The recorder stays open. */
  close(): void;
}

/** A connection to an upstream that nobody needs is kept for so long. */
const idleSocketMs = 15_000;

interface Surroundings {
  readonly ledger: Ledger;
  readonly traces: Traces;
  readonly agentId: string;
  readonly open: (target: Target, incoming: IncomingMessage) => ClientRequest;
}

/** One request under way, as its recorder sees it. */
interface Recording {
  /** Begins to record, once; `null` for what is not recorded. */
  begin(body: SentBody): Exchange | null;
  /** What has begun, or `null`. */
  readonly exchange: Exchange | null;
  /** Called at the end of the exchange, however it came. */
  settle(endReason: EndReason): void;
}

function createRecording(
  { ledger, traces, agentId }: Surroundings,
  incoming: IncomingMessage,
  target: Target,
): Recording {
  const headers = flatToHeaderMap(incoming.rawHeaders);
  const isRecorded = headers[recordedHeader] === undefined;
  const traceId = parseTraceparent(headers['traceparent']);
  let exchange: Exchange | null = null;
  let isBegun = false;
  let isTraced = false;
  delete headers['host'];

  const start = ({ body, text }: SentBody): Exchange | null => {
    const request = {
      method: incoming.method ?? 'GET',
      url: target.url,
      headers,
      body,
      text,
      isObservedAfter: false,
      client: { capture: 'proxy', provider: target.upstream.provider, agentId },
    };
    const enter = (): Exchange | null => ledger.begin(request, { isListed: true, isEverything: false });
    if (traceId === null || !isModelCall(request.method, request.url.pathname)) return enter();
    isTraced = true;
    return traces.enter(traceId, agentId).within(enter);
  };
  return {
    begin(body) {
      if (!isBegun && isRecorded) exchange = ledger.guard(() => start(body)) ?? null;
      isBegun = true;
      return exchange;
    },
    get exchange() {
      return exchange;
    },
    settle(endReason) {
      if (isTraced && traceId !== null) traces.leave(traceId, endReason);
      isTraced = false;
    },
  };
}

const abortError = (): DOMException =>
  new DOMException('The client closed its connection before the answer', 'AbortError');

/** Passes one request on and its answer back. */
function relay(around: Surroundings, target: Target, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { ledger } = around;
  const recording = createRecording(around, incoming, target);
  let settle: Settle | null = null;
  let isOver = false;

  // The whole exchange takes as long as its two ends let it.
  incoming.socket.setTimeout(0);
  const upstream = around.open(target, incoming);
  const soFar = sendBody({
    incoming,
    upstream,
    begin: (body) => void recording.begin(body),
    onBroken: () => upstream.destroy(),
  });

  const refuse = (code: string, message: string, error: unknown): void => {
    ledger.guard(() => recording.begin(soFar())?.fail(error));
    recording.settle('error');
    answerRefusal(outgoing, 502, code, message);
  };

  upstream.on('response', (answer) => {
    const exchange = recording.begin(soFar());
    const told = answer.statusCode! >= 300 && answer.statusCode! < 400 ? answer.headers.location : undefined;
    const location = told === undefined ? null : toProxiedLocation(told, target);
    if (told !== undefined && location === null) {
      isOver = true;
      upstream.destroy();
      const why = `The upstream ${target.upstream.name} redirects to another place, which the proxy does not follow.`;
      return refuse('redirect-refused', why, new Error(why));
    }
    settle = sendAnswer({ answer, outgoing, exchange, ledger, location });
    answer.on('close', () => recording.settle(answer.complete && answer.statusCode! < 400 ? 'ok' : 'error'));
    return undefined;
  });
  upstream.on('error', (error) => {
    if (isOver || settle !== null) return;
    isOver = true;
    const { name, base } = target.upstream;
    refuse('upstream-unreached', toUnreachedMessage(name, base.host, error), error);
  });
  outgoing.on('close', () => {
    if (outgoing.writableFinished || isOver) return;
    isOver = true;
    upstream.destroy();
    // A call whose body never was whole has not left.
    if (settle !== null) settle((exchange) => exchange.leave());
    else ledger.guard(() => recording.exchange?.fail(abortError()));
    recording.settle('interrupted');
  });
}

/** Opens requests to upstreams, over connections that are kept. */
function createOpener(lookupOf: (reach: Reach) => LookupFunction): {
  open: Surroundings['open'];
  close: () => void;
} {
  const settings = { keepAlive: true, timeout: idleSocketMs, scheduling: 'lifo' } as const;
  const agents = { 'http:': new HttpAgent(settings), 'https:': new HttpsAgent(settings) };
  const lookupByReach = { public: lookupOf('public'), own: lookupOf('own') };
  return {
    open({ upstream, url, path }, incoming) {
      const { base, reach } = upstream;
      const method = incoming.method ?? 'GET';
      const options: RequestOptions = {
        protocol: base.protocol,
        hostname: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port === '' ? (base.protocol === 'https:' ? 443 : 80) : Number(base.port),
        path,
        method,
        headers: toUpstreamHeaders(incoming.rawHeaders, base.host, method),
        agent: agents[base.protocol as keyof typeof agents],
        lookup: lookupByReach[reach],
      };
      const request = base.protocol === 'https:' ? httpsRequest : httpRequest;
      return withSighting(method, url, (sighting) => {
        const opened = request(options);
        closeSighting(sighting);
        return opened;
      });
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/**
 * A proxy over a recorder: what a client sends under `/proxy/<name>/` goes to that provider as it is, streams flow both ways
 * as they come, and every model call is recorded with the same ledger as calls of this process. Keys pass through;
 * the recorder takes them out of what it keeps (I4). It speaks to no host but the upstreams', and follows no redirect.
 */
export function createRecordingProxy(options: RecordingProxyOptions): RecordingProxy {
  const { recorder } = options;
  const upstreams = toUpstreams(options.upstreams ?? []);
  const agentId = options.agentId ?? 'proxy';
  const opener = createOpener(options.lookupOf ?? createGuardedLookup);
  const traces = createTraces({
    recorder,
    clock: options.clock ?? systemClock,
    idleMs: options.conversationIdleMs ?? 300_000,
  });
  const around: Surroundings = {
    ledger: ledgerOf(recorder, { ...options, agentId }),
    traces,
    agentId,
    open: opener.open,
  };
  return {
    handle(incoming, outgoing) {
      const target = toTarget(incoming.url ?? '', upstreams);
      if (target === null) {
        const names = [...upstreams.keys()].join(', ');
        return answerRefusal(outgoing, 404, 'no-upstream', `There is no such upstream. The proxy knows: ${names}.`);
      }
      try {
        relay(around, target, incoming, outgoing);
      } catch (error) {
        options.onError?.(error);
        answerRefusal(outgoing, 502, 'proxy-failed', 'The proxy could not pass this request on; its log says why.');
      }
      return undefined;
    },
    close() {
      around.ledger.closeAll();
      traces.closeAll();
      opener.close();
    },
  };
}
