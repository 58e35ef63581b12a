import { z } from 'zod';
import type { Scope } from '../core/access/key.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { BodyRoom } from './body-room.ts';
import type { ProblemCode } from './problem.ts';
import { toProblem } from './problem.ts';
import type { Surroundings } from './surroundings.ts';

/** A declared object of text fields. */
export type Fields = z.ZodObject<z.ZodRawShape>;

/** What a route's function gets: everything validated. */
export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body of a route that takes `bytes`; empty otherwise. */
  readonly bytes: Uint8Array;
  readonly request: Request;
}

/** One route: what it takes, what it answers, and how. The API description is generated from the same schemas. */
export interface RouteDefinition<P extends Fields, Q extends Fields, B extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With path parameters in braces. */
  readonly path: string;
  /** What a key must allow; `null` where none is needed. */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Bytes that the body may have; 64 KiB unless said. */
  readonly bodyBytesMax?: number;
  /** Instead of a JSON body: its media type and most bytes. */
  readonly bytes?: { readonly mediaType: string; readonly bytesMax: number };
  /** Status of a good answer; 200 unless said. */
  readonly status?: number;
  /** Shape of a JSON answer; a media type for the others. */
  readonly answer: z.ZodType | string;
  /** The route also answers `text/event-stream`. */
  readonly streams?: boolean;
  /** What a malformed query field is called, by its name. */
  readonly queryProblem?: (field: string) => ProblemCode;
  /** A value is answered as JSON, a Response as it is. Throws our errors. */
  handle(input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>, around: Surroundings): Promise<unknown>;
}

/** A route whose types are settled. */
export interface Route extends Omit<RouteDefinition<Fields, Fields, z.ZodType>, 'handle'> {
  readonly handle: (input: RouteInput<never, never, never>, around: Surroundings) => Promise<unknown>;
}

/** Settles a definition's types. */
export function defineRoute<P extends Fields = Fields, Q extends Fields = Fields, B extends z.ZodType = z.ZodType>(
  definition: RouteDefinition<P, Q, B>,
): Route {
  return definition as unknown as Route;
}

/** Bytes of a request body at most, unless its route says otherwise. */
export const bodyBytesMax = 64 * 1024;

const nothing: Fields = z.strictObject({});

function isList(schema: z.ZodType | undefined): boolean {
  let inner: unknown = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional) inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.in;
    else return inner instanceof z.ZodArray;
  }
}

/** An enum list may also be given comma-separated; other lists keep their commas. */
function isCommaList(schema: z.ZodType): boolean {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  return inner instanceof z.ZodArray;
}

/** First complaint of a validation, in our words, with its field. */
function firstIssue(error: z.ZodError): Issue {
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') return { field: issue.keys[0]!, message: 'is not known here' };
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return { field: String(issue.path[0] ?? 'body'), message: isMissing ? 'is required' : issue.message };
}

interface Issue {
  readonly field: string;
  readonly message: string;
}

/** A complaint about a field. Its name is the caller's own word and may be a secret: it is redacted before it is cut (I4). */
function issueToProblem(code: ProblemCode, issue: Issue, redactor: Redactor): Response {
  const field = redactor.text(issue.field).value.slice(0, 100);
  return toProblem(code, `The field ${JSON.stringify(field)} ${issue.message}.`, { field });
}

/** The query as an object, or the complaint about it. */
function readQuery(
  search: URLSearchParams,
  schema: Fields,
): { ok: true; value: unknown } | { ok: false; issue: Issue } {
  const raw: [string, unknown][] = [];
  for (const name of new Set(search.keys())) {
    if (!Object.hasOwn(schema.shape, name)) {
      const known = Object.keys(schema.shape).join(', ');
      return {
        ok: false,
        issue: { field: name, message: known === '' ? 'is not known here' : `is not known here; known are ${known}` },
      };
    }
    const field = schema.shape[name] as z.ZodType;
    const values = search.getAll(name);
    if (isList(field)) raw.push([name, isCommaList(field) ? values.flatMap((value) => value.split(',')) : values]);
    else if (values.length > 1) return { ok: false, issue: { field: name, message: 'is given more than once' } };
    else raw.push([name, values[0]]);
  }
  const parsed = schema.safeParse(Object.fromEntries(raw));
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, issue: firstIssue(parsed.error) };
}

const isMediaType = (request: Request, wanted: string): boolean =>
  (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase() === wanted;

/** A body of a request, and the room that it takes until it is given back. */
type ReadBody<T> = { readonly value: T; readonly done: () => void } | { readonly refusal: Response };

/** Reads a body of one media type, or refuses it; no more than `bytesMax` of it is ever in memory, nor of all bodies than there is room for. */
async function readBytes(
  request: Request,
  { mediaType, bytesMax, room }: { mediaType: string; bytesMax: number; room: BodyRoom },
): Promise<ReadBody<Buffer>> {
  if (!isMediaType(request, mediaType))
    return { refusal: toProblem('media-type-refused', `Send the body as ${mediaType}.`) };
  const tooLarge = (): Response => toProblem('body-too-large', `The body has more than ${bytesMax} bytes.`);
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) return { refusal: tooLarge() };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let taken = 0;
  const done = (): void => {
    room.give(taken);
    taken = 0;
  };
  const refuse = (refusal: Response): { refusal: Response } => {
    done();
    return { refusal };
  };
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return refuse(tooLarge());
      if (!room.take(chunk.byteLength))
        return refuse(toProblem('store-busy', 'Too much is coming in at once. Send it again in a moment.'));
      taken += chunk.byteLength;
      chunks.push(chunk);
    }
  } catch (error) {
    done();
    throw error;
  }
  return { value: Buffer.concat(chunks), done };
}

/** Reads a body as JSON of a shape, or refuses. */
async function readBody(
  request: Request,
  { body: schema, bodyBytesMax: bytesMax = bodyBytesMax }: { body: z.ZodType; bodyBytesMax?: number | undefined },
  { redactor, bodies }: Pick<Surroundings, 'redactor' | 'bodies'>,
): Promise<{ value: unknown } | { refusal: Response }> {
  const read = await readBytes(request, { mediaType: 'application/json', bytesMax, room: bodies });
  if ('refusal' in read) return read;
  read.done();
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(read.value));
  } catch {
    return { refusal: toProblem('bad-argument', 'The body is not valid JSON in UTF-8.', { field: 'body' }) };
  }
  const parsed = schema.safeParse(raw);
  return parsed.success
    ? { value: parsed.data }
    : { refusal: issueToProblem('bad-argument', firstIssue(parsed.error), redactor) };
}

/** Validates a request against its route and runs it. What is wrong with the request comes back as a problem. */
export async function runRoute(
  route: Route,
  request: Request,
  rawParams: Readonly<Record<string, string>>,
  around: Surroundings,
): Promise<Response> {
  const { redactor } = around;
  const params = (route.params ?? nothing).safeParse(rawParams);
  if (!params.success) return issueToProblem('bad-argument', firstIssue(params.error), redactor);
  const query = readQuery(new URL(request.url).searchParams, route.query ?? nothing);
  if (!query.ok)
    return issueToProblem(route.queryProblem?.(query.issue.field) ?? 'bad-argument', query.issue, redactor);
  let body: unknown = null;
  if (route.body !== undefined) {
    const read = await readBody(request, { ...route, body: route.body }, around);
    if ('refusal' in read) return read.refusal;
    body = read.value;
  }
  const read = route.bytes === undefined ? noBytes : await readBytes(request, { ...route.bytes, room: around.bodies });
  if ('refusal' in read) return read.refusal;
  try {
    // A slow body must not outlive the key that it came with.
    if ((route.body !== undefined || route.bytes !== undefined) && !(await around.isStill()))
      return toProblem('key-refused', 'What let this request in ended while its body came.');
    const bytes: Uint8Array = read.value;
    const input = { params: params.data, query: query.value, body, bytes, request } as RouteInput<never, never, never>;
    const answer = await route.handle(input, around);
    if (answer instanceof Response) return answer;
    if (route.status === 204) return new Response(null, { status: 204 });
    return toJson(JSON.stringify(answer), route.status);
  } finally {
    read.done();
  }
}

const noBytes: ReadBody<Buffer> = { value: Buffer.alloc(0), done: () => undefined };

/** JSON text as a response. Lone surrogates and NUL are escaped by `JSON.stringify`, so the bytes are valid UTF-8. */
export function toJson(text: string, status = 200): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });
}
