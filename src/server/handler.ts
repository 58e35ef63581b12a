import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import type { Clock } from '../core/clock.ts';
import { elapsedMs, systemClock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import { createIdSource } from '../core/id.ts';
import type { UpkeepState } from '../core/life/upkeep.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { RunOrigin } from '../core/run-file/writer.ts';
import type { Store } from '../core/store.ts';
import { refuseForeign } from './guard.ts';
import { secure } from './headers.ts';
import type { Metrics } from './metrics.ts';
import { createMetrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { errorToProblem, isOwnFault, toProblem } from './problem.ts';
import { createStepNumbers } from './reading/step-numbers.ts';
import type { Route } from './route.ts';
import { runRoute } from './route.ts';
import { routes } from './routes/index.ts';
import type { Feed, News } from './stream/feed.ts';
import { createFeed } from './stream/feed.ts';
import type { SseLimits } from './stream/sse.ts';
import { defaultSseLimits, openSse } from './stream/sse.ts';
import type { EraseRun, EraseSubject, Exporter, Surroundings, TakeBatch } from './surroundings.ts';
import { createViewer } from './viewer.ts';
import type { WireVerdict } from './wire.ts';

/** What a handler is made of. Only the store and the verifier are needed. */
export interface HandlerOptions {
  /** Initialized. The handler never closes it. */
  readonly store: Store;
  /** `default` unless said; no other project is reachable. */
  readonly projectId?: string;
  readonly verify: (projectId: string, runId: string) => Promise<WireVerdict>;
  /** Left out or `null`: erasing is not offered. */
  readonly eraseRun?: EraseRun | null;
  /** Left out or `null`: erasing by caller or session is not offered. */
  readonly eraseSubject?: EraseSubject | null;
  /** Left out or `null`: this process keeps nothing small. */
  readonly upkeep?: (() => UpkeepState) | null;
  /** Left out or `null`: batches of other recorders are refused. */
  readonly inbox?: TakeBatch | null;
  /** Left out or `null`: run files and pages are not offered. */
  readonly exporter?: Exporter | null;
  /** Left out: every run was recorded here. */
  readonly originOf?: (projectId: string, runId: string) => RunOrigin | null;
  /** Folder of the built viewer. Left out: a page says that it is not built. */
  readonly webRoot?: string | null;
  /** News of the indexer in this process. The store is polled beside it, for what other processes import. */
  readonly news?: News | null;
  readonly version?: string;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  readonly redactor?: Redactor;
  /** Further `Host` values to answer, as `name` or `name:port`. */
  readonly allowedHosts?: readonly string[];
  readonly streamLimits?: Partial<SseLimits>;
  /** How often the store is asked for changes while somebody watches. */
  readonly pollMs?: number;
  /** Told of every failure that is the server's own. */
  readonly onError?: (error: unknown) => void;
}

/** What the handler is told of the connection a request came by. */
export interface Connection {
  /** Port the server listens on, which a loopback `Host` must then name. */
  readonly port: number | null;
  /** Cuts the connection. */
  readonly drop: () => void;
}

/** Answers requests. Never rejects. */
export interface Handler {
  (request: Request, connection?: Connection): Promise<Response>;
  /** Ends all streams and refuses what comes after. */
  close(): void;
}

const noConnection: Connection = { port: null, drop: () => undefined };

/** Bindings that travel with a request through the router. */
interface Bindings {
  readonly connection: Connection;
  /** Set by the route that answers, for the metrics. */
  route: string;
}

type App = Hono<{ Bindings: Bindings }>;

const toPattern = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** Methods under which some route matches a path; `null` when none does. */
function methodsOf(path: string): string | null {
  const matching = routes.filter((route) => new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path));
  return matching.length === 0 ? null : [...new Set(matching.map((route) => route.method))].join(', ');
}

function refuseUnmatched(path: string): Response {
  const allow = methodsOf(path);
  if (allow !== null) return toProblem('method-not-allowed', `This path takes ${allow}.`, { headers: { allow } });
  return toProblem('route-not-found', 'There is nothing at this path. The API is described at /api/openapi.json.');
}

interface Parts {
  readonly options: HandlerOptions;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly closing: AbortSignal;
  readonly onError: (error: unknown) => void;
}

function createSurroundings({ options, feed, metrics, closing, onError }: Parts): Omit<Surroundings, 'openStream'> & {
  openStream(connection: Connection): Surroundings['openStream'];
} {
  const clock = options.clock ?? systemClock;
  const version = options.version ?? '0.0.0';
  let description: string | null = null;
  return {
    store: options.store,
    projectId: options.projectId ?? 'default',
    version,
    clock,
    ids: options.ids ?? createIdSource(clock),
    redactor: options.redactor ?? createRedactor({ key: randomBytes(32) }),
    verify: options.verify,
    eraseRun: options.eraseRun ?? null,
    eraseSubject: options.eraseSubject ?? null,
    upkeep: options.upkeep ?? null,
    inbox: options.inbox ?? null,
    exporter: options.exporter ?? null,
    originOf: options.originOf ?? (() => null),
    feed,
    metrics,
    stepNumbers: createStepNumbers(),
    startedAtMs: clock.nowMs(),
    openApi: () => (description ??= JSON.stringify(describeApi(routes, version))),
    openStream: (connection) => (request, stream, send) => {
      if (request.method === 'HEAD')
        return new Response(null, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
      return openSse({
        limits: { ...defaultSseLimits, ...options.streamLimits },
        closing,
        observer: {
          opened: () => metrics.streamOpened(stream),
          closed: (reason) => metrics.streamClosed(stream, reason),
        },
        drop: connection.drop,
        onError,
        feed: send,
      });
    },
  };
}

function createApp(surroundings: ReturnType<typeof createSurroundings>, webRoot: string | null): App {
  const app: App = new Hono();
  const viewer = createViewer(webRoot);
  const mount = (route: Route): void => {
    app.on(route.method, toPattern(route.path), (context) => {
      context.env.route = route.path;
      const around: Surroundings = { ...surroundings, openStream: surroundings.openStream(context.env.connection) };
      return runRoute(route, context.req.raw, context.req.param(), around);
    });
  };
  routes.forEach(mount);
  app.notFound(async (context) => {
    const { method, path } = context.req;
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead || path === '/api' || path.startsWith('/api/')) return refuseUnmatched(path);
    const file = await viewer.serve(context.req.raw, path);
    if (file !== null) context.env.route = '(viewer)';
    return file ?? refuseUnmatched(path);
  });
  // Thrown on, so that one place turns every failure into an answer.
  app.onError((error) => {
    throw error;
  });
  return app;
}

/**
 * Makes the function that answers requests: API, event streams, metrics and viewer, every answer with the security
 * headers. It reads the store it is handed and opens nothing itself.
 */
export function createHandler(options: HandlerOptions): Handler {
  const closing = new AbortController();
  const onError = options.onError ?? ((): void => undefined);
  const metrics = createMetrics();
  const news = options.news ?? null;
  const feed = createFeed({
    id: randomBytes(6).toString('hex'),
    store: options.store,
    projectId: options.projectId ?? 'default',
    news,
    pollMs: options.pollMs ?? (news === null ? 250 : 1000),
    onError,
  });
  const surroundings = createSurroundings({ options, feed, metrics, closing: closing.signal, onError });
  const app = createApp(surroundings, options.webRoot ?? null);
  const { clock } = surroundings;

  const answer = async (request: Request, bindings: Bindings): Promise<Response> => {
    if (closing.signal.aborted)
      return toProblem('closing', 'The server is closing.', { headers: { connection: 'close' } });
    const refused = refuseForeign(request, bindings.connection.port, { allowedHosts: options.allowedHosts ?? [] });
    return refused ?? app.fetch(request, bindings);
  };

  const handle = async (request: Request, connection: Connection = noConnection): Promise<Response> => {
    const sinceMs = clock.monotonicMs();
    const bindings: Bindings = { connection, route: '(none)' };
    let response: Response;
    try {
      response = await answer(request, bindings);
    } catch (error) {
      if (isOwnFault(error)) onError(error);
      response = errorToProblem(error);
    }
    metrics.countRequest(bindings.route, knownMethod(request.method), response.status, elapsedMs(clock, sinceMs));
    return secure(response);
  };

  return Object.assign(handle, {
    close() {
      closing.abort();
      feed.close();
    },
  });
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** A method for the metrics: whatever else a caller invents is one and the same. */
function knownMethod(method: string): string {
  return knownMethods.has(method) ? method : 'other';
}
