import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import type { Scope } from '../core/access/key.ts';
import { scopes } from '../core/access/key.ts';
import type { Clock } from '../core/clock.ts';
import { elapsedMs, systemClock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import { createIdSource } from '../core/id.ts';
import type { UpkeepState } from '../core/life/upkeep.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { RunOrigin } from '../core/run-file/writer.ts';
import type { Store } from '../core/store.ts';
import { createGate, refuseScope } from './access/gate.ts';
import type { Access, Caller } from './access/gate.ts';
import { bodiesBytesMax, createBodyRooms } from './body-room.ts';
import { refuseForeign } from './guard.ts';
import { secure } from './headers.ts';
import type { Gauge, Metrics } from './metrics.ts';
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
import type { EraseRun, EraseSubject, Exporter, Runs, Surroundings, TakeBatch } from './surroundings.ts';
import { createViewer } from './viewer.ts';
import type { WireVerdict } from './wire.ts';

/** By what keys people and programs come in. */
export interface AccessRules {
  /** The server's own secret: 32 bytes, the same for every server on one database. */
  readonly pepper: Uint8Array;
  /** A key is asked for even when none was ever made: for an address that others reach. */
  readonly isKeyRequired?: boolean;
}

/** What a handler is made of. Only the store and the verifier are needed. */
export interface HandlerOptions {
  /** Initialized. The handler never closes it. */
  readonly store: Store;
  /** The project of whoever needs no key; `default` unless said. */
  readonly projectId?: string;
  /** Who may do what. Left out or `null`: whoever reaches the server may do everything in `projectId`. */
  readonly access?: AccessRules | null;
  readonly verify: (projectId: string, runId: string) => Promise<WireVerdict>;
  /** Left out or `null`: erasing is not offered. */
  readonly eraseRun?: EraseRun | null;
  /** Left out or `null`: erasing by caller or session is not offered. */
  readonly eraseSubject?: EraseSubject | null;
  /** Left out or `null`: this process keeps nothing small. */
  readonly upkeep?: (() => UpkeepState) | null;
  /** Left out or `null`: batches of other recorders are refused. */
  readonly inbox?: TakeBatch | null;
  /** Left out or `null`: runs are read, and none is created, cancelled or scheduled here. */
  readonly runsOf?: ((projectId: string) => Runs) | null;
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
  readonly redactorOf?: (projectId: string) => Redactor;
  /** Further `Host` values to answer, as `name` or `name:port`. */
  readonly allowedHosts?: readonly string[];
  readonly streamLimits?: Partial<SseLimits>;
  /** Bytes of request bodies in memory at once; what comes beyond is asked to come again. */
  readonly bodiesBytesMax?: number;
  /** How often the store is asked for changes while somebody watches. */
  readonly pollMs?: number;
  /** Told of every failure that is the server's own. */
  readonly onError?: (error: unknown) => void;
  /** Told of every request once the head of its answer is there. */
  readonly onRequest?: (note: RequestNote) => void;
  /** Further numbers of the whole server for `/metrics`. Left out: those of the handler alone. */
  readonly gauges?: (() => Promise<readonly Gauge[]>) | null;
}

/** A request that was answered. Nothing of its query, headers or body is in it. */
export interface RequestNote {
  /** One of a closed list, else `other`. */
  readonly method: string;
  /** The pattern of the route; `(none)` for a request that no route took. */
  readonly route: string;
  readonly status: number;
  /** Until the head of the answer. */
  readonly durationMs: number;
  /** Whose request it was; `null` when nobody was let in. */
  readonly projectId: string | null;
  /** The key it came with; `null` without one, and for one that was refused. */
  readonly keyId: string | null;
}

/** What the handler is told of the connection a request came by. */
export interface Connection {
  /** Port the server listens on, which a loopback `Host` must then name. */
  readonly port: number | null;
  /** Address of the other end, or `null` when unknown. */
  readonly remote: string | null;
  /** Cuts the connection. */
  readonly drop: () => void;
}

/** Answers requests. Never rejects. */
export interface Answering {
  (request: Request, connection?: Connection): Promise<Response>;
  /** Ends all streams and refuses what comes after. */
  close(): void;
}

/** The handler of a whole server. */
export interface Handler extends Answering {
  /**
   * Says who may not use what stands beside the routes: the refusal, or `null`. The key is in the header `x-tachograph-key`,
   * since what is passed on there has an authorization of its own.
   */
  refuse(caller: Caller, needed: Scope): Promise<Response | null>;
}

const noConnection: Connection = { port: null, remote: null, drop: () => undefined };

/** Bindings that travel with a request through the router. */
interface Bindings {
  readonly connection: Connection;
  /** Set by the route that answers, for the metrics. */
  route: string;
  /** Set once whoever asks is let in. */
  access: Access | null;
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
  readonly metrics: Metrics;
  readonly closing: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** What is the same for every project and every request. */
type Shared = Omit<
  Surroundings,
  'bodies' | 'feed' | 'openStream' | 'projectId' | 'redactor' | 'remote' | 'runs' | 'isStill' | 'isOwner'
>;

function createShared({ options, metrics }: Parts): Shared {
  const clock = options.clock ?? systemClock;
  const version = options.version ?? '0.0.0';
  const { access = null } = options;
  let description: string | null = null;
  return {
    store: options.store,
    version,
    clock,
    access:
      access === null
        ? null
        : {
            pepper: access.pepper,
            gate: createGate({
              directory: options.store.directory,
              isKeyRequired: false,
              ...access,
              projectId: options.projectId ?? 'default',
              clock,
            }),
          },
    ids: options.ids ?? createIdSource(clock),
    verify: options.verify,
    eraseRun: options.eraseRun ?? null,
    eraseSubject: options.eraseSubject ?? null,
    upkeep: options.upkeep ?? null,
    gauges: options.gauges ?? null,
    inbox: options.inbox ?? null,
    exporter: options.exporter ?? null,
    originOf: options.originOf ?? (() => null),
    metrics,
    stepNumbers: createStepNumbers(),
    startedAtMs: clock.nowMs(),
    openApi: () => (description ??= JSON.stringify(describeApi(routes, version))),
  };
}

function createStreamOpener({ options, metrics, closing, onError }: Parts) {
  return (connection: Connection, isAdmitted: () => Promise<boolean>): Surroundings['openStream'] =>
    (request, stream, send) => {
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
        isAdmitted,
        onError,
        feed: send,
      });
    };
}

/** What a handler keeps for one project. */
interface ProjectParts {
  readonly projectId: string;
  readonly feed: Feed;
  readonly redactor: Redactor;
  readonly runs: Runs | null;
}

function createProjects({ options, onError }: Parts): { of(projectId: string): ProjectParts; close(): void } {
  const partsById = new Map<string, ProjectParts>();
  const news = options.news ?? null;
  return {
    of(projectId) {
      let parts = partsById.get(projectId);
      if (parts === undefined) {
        const feed = createFeed({
          id: randomBytes(6).toString('hex'),
          store: options.store,
          projectId,
          news,
          pollMs: options.pollMs ?? (news === null ? 250 : 1000),
          onError,
        });
        const redactor = options.redactorOf?.(projectId) ?? createRedactor({ key: randomBytes(32) });
        const runs = options.runsOf?.(projectId) ?? null;
        partsById.set(projectId, (parts = { projectId, feed, redactor, runs }));
      }
      return parts;
    },
    close() {
      for (const { feed } of partsById.values()) feed.close();
    },
  };
}

/** Whose request it is, or the refusal. */
async function admit(
  shared: Shared,
  route: Route,
  caller: { request: Request; remote: string | null; projectId: string },
): Promise<Access | Response> {
  const own: Access = { projectId: caller.projectId, scopes, keyId: null, isSuspended: false, ticket: null };
  if (shared.access === null || route.scope === null) return own;
  const found = await shared.access.gate.admit({ headers: caller.request.headers, remote: caller.remote });
  return found instanceof Response ? found : (refuseScope(found, route.scope) ?? found);
}

function createApp(parts: Parts, projects: ReturnType<typeof createProjects>, shared: Shared): App {
  const app: App = new Hono();
  const viewer = createViewer(parts.options.webRoot ?? null);
  const openStream = createStreamOpener(parts);
  const rooms = createBodyRooms(parts.options.bodiesBytesMax ?? bodiesBytesMax);
  const projectId = parts.options.projectId ?? 'default';
  const mount = (route: Route): void => {
    app.on(route.method, toPattern(route.path), async (context) => {
      context.env.route = route.path;
      const { connection } = context.env;
      const { remote } = connection;
      const request = context.req.raw;
      const access = await admit(shared, route, { request, remote, projectId });
      if (access instanceof Response) return access;
      if (route.scope !== null) context.env.access = access;
      const isStill = async (): Promise<boolean> =>
        shared.access === null || route.scope === null || shared.access.gate.isStill(access);
      const around = {
        ...shared,
        ...projects.of(access.projectId),
        remote,
        isStill,
        bodies: rooms.of(access.projectId),
        isOwner: access.projectId === projectId,
        openStream: openStream(connection, isStill),
      };
      return runRoute(route, request, context.req.param(), around);
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
  const parts: Parts = { options, metrics, closing: closing.signal, onError };
  const shared = createShared(parts);
  const projects = createProjects(parts);
  const app = createApp(parts, projects, shared);
  const { clock } = shared;

  const answer = async (request: Request, bindings: Bindings): Promise<Response> => {
    if (closing.signal.aborted)
      return toProblem('closing', 'The server is closing.', { headers: { connection: 'close' } });
    const refused = refuseForeign(request, bindings.connection.port, { allowedHosts: options.allowedHosts ?? [] });
    return refused ?? app.fetch(request, bindings);
  };

  const handle = async (request: Request, connection: Connection = noConnection): Promise<Response> => {
    const sinceMs = clock.monotonicMs();
    const bindings: Bindings = { connection, route: '(none)', access: null };
    let response: Response;
    try {
      response = await answer(request, bindings);
    } catch (error) {
      if (isOwnFault(error)) onError(error);
      response = errorToProblem(error);
    }
    const { route, access } = bindings;
    const note = { method: knownMethod(request.method), route, status: response.status };
    const durationMs = elapsedMs(clock, sinceMs);
    metrics.countRequest(note.route, note.method, note.status, durationMs);
    const whose = { projectId: access?.projectId ?? null, keyId: access?.keyId ?? null };
    options.onRequest?.({ ...note, durationMs, ...whose });
    return secure(response);
  };

  return Object.assign(handle, {
    async refuse({ headers, remote }: Caller, needed: Scope) {
      if (shared.access === null) return null;
      const key = headers.get('x-tachograph-key');
      if (key === null && (await shared.access.gate.isClosed()))
        return toProblem(
          'key-missing',
          'This server asks for a key. Send it in the header "x-tachograph-key"; the authorization is for where the request goes.',
        );
      const get = (name: string): string | null => (name === 'authorization' && key !== null ? `Bearer ${key}` : null);
      const access = await shared.access.gate.admit({ headers: { get }, remote });
      if (access instanceof Response) return access;
      const isElsewhere = access.projectId !== (options.projectId ?? 'default');
      return isElsewhere ? refuseUnmatched('/') : refuseScope(access, needed);
    },
    close() {
      closing.abort();
      projects.close();
    },
  });
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** A method for the metrics: whatever else a caller invents is one and the same. */
function knownMethod(method: string): string {
  return knownMethods.has(method) ? method : 'other';
}
