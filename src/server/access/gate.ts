import type { Clock } from '../../core/clock.ts';
import type { Directory } from '../../core/access/directory.ts';
import type { PresentedKey, Scope, StoredKey } from '../../core/access/key.ts';
import { allowsScope, isKeyLive, isKeySecret, parseKey, scopes } from '../../core/access/key.ts';
import { toProblem } from '../problem.ts';
import { createGuesses } from './guesses.ts';
import type { Ticket } from './session.ts';
import { createEndedTickets, readTicket, sealTicket, ticketToCookie } from './session.ts';

// Who a request comes from:
//
//   Authorization: Bearer tk_…  ─┐
//                                ├─► key, live, of a project ─► its project and scopes
//   cookie of a signed-in page  ─┘
//   neither, and no key was ever made ─► whoever reached the loopback address: everything in the own project

/** Whose request it is, and what it may do. */
export interface Access {
  readonly projectId: string;
  readonly scopes: readonly Scope[];
  /** `null` where no keys are needed. */
  readonly keyId: string | null;
  /** The project takes nothing new for now. */
  readonly isSuspended: boolean;
  /** By what a signed-in page came in; `null` for a program and where no keys are needed. */
  readonly ticket: Ticket | null;
}

/** What a gate is made of. */
export interface GateOptions {
  readonly directory: Directory;
  /** The server's own secret: 32 bytes, the same for every server on one database. */
  readonly pepper: Uint8Array;
  /** The project of whoever needs no key. */
  readonly projectId: string;
  /** A key is asked for even when none was ever made. */
  readonly isKeyRequired: boolean;
  readonly clock: Clock;
}

/** What the gate reads of a request. */
export interface Caller {
  readonly headers: { get(name: string): string | null };
  /** Address of the other end, or `null` when unknown. */
  readonly remote: string | null;
}

/** Decides who may come in. */
export interface Gate {
  /** True once requests without a key are refused. */
  isClosed(): Promise<boolean>;
  /** Who is asking; the refusal when that is nobody known. A revoked key is refused within a second. */
  admit(caller: Caller): Promise<Access | Response>;
  /** False once whoever was let in would be let in no more, or to something else: for what stays open. */
  isStill(access: Access): Promise<boolean>;
  /** A signed ticket for a page, in place of a key that is presented; the refusal when it is none. */
  signIn(keyText: string, caller: Caller): Promise<{ access: Access; cookie: string; expiresAtMs: number } | Response>;
  /** Ends the session of a page: its cookie is refused from now on, and by other servers within a second. */
  signOut(headers: Caller['headers']): Promise<void>;
}

/** How long an answer of the directory is believed: a revoked key is refused within a second. */
const believedMs = 500;
const keysMax = 10_000;
const ticketMs = 12 * 3_600_000;

interface Known {
  readonly key: StoredKey | null;
  readonly isSuspended: boolean;
  readonly atMs: number;
}

/** What a key is compared with that is not there: no secret has this hash. */
const noKey: StoredKey = {
  id: '',
  projectId: '',
  name: '',
  scopes: [],
  createdAtMs: 0,
  expiresAtMs: null,
  revokedAtMs: 0,
  hash: '0'.repeat(64),
};

const challenge = { 'www-authenticate': 'Bearer realm="tachograph"' };

function refuseMissing(): Response {
  const detail =
    'This server asks for a key. Send it as "Authorization: Bearer tk_…", or sign in to the viewer with it.';
  return toProblem('key-missing', detail, { headers: challenge });
}

/** The same answer for a key that never was, a wrong secret, an expired and a revoked one. */
function refuseKey(): Response {
  return toProblem('key-refused', 'The key is not valid: unknown, expired or revoked.', { headers: challenge });
}

function refuseGuess(waitMs: number): Response {
  const detail = 'Too many keys from this address were refused. Wait, then send one that is valid.';
  return toProblem('too-many-tries', detail, { headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) } });
}

function bearerOf(headers: Caller['headers']): string | null {
  const [, token] = /^bearer\s+(\S+)\s*$/i.exec(headers.get('authorization') ?? '') ?? [];
  return token ?? null;
}

/** A gate over a directory of keys. */
export function createGate(options: GateOptions): Gate {
  const { directory, pepper, clock } = options;
  const guesses = createGuesses(clock);
  const endedTickets = createEndedTickets({ directory, clock, believedMs });
  const knownById = new Map<string, Known>();
  let suspended = { is: false, atMs: -Infinity };
  let closed = options.isKeyRequired;
  let askedAtMs = -Infinity;

  const isClosed = async (): Promise<boolean> => {
    const nowMs = clock.monotonicMs();
    if (closed || nowMs - askedAtMs < believedMs) return closed;
    closed = await directory.hasKeys();
    askedAtMs = nowMs;
    return closed;
  };

  const lookUp = async ({ id, projectId }: { id: string; projectId: string }): Promise<Known> => {
    const nowMs = clock.monotonicMs();
    const known = knownById.get(id);
    if (known !== undefined && nowMs - known.atMs < believedMs) return known;
    const [key, project] = await Promise.all([directory.findKey(projectId, id), directory.getProject(projectId)]);
    const found = { key: project === null ? null : key, isSuspended: project?.status === 'suspended', atMs: nowMs };
    // Taken out and put in again: the map's first entry is the one that was asked for longest ago.
    knownById.delete(id);
    // Keys that do not exist are not remembered: guesses would push out what is in use.
    if (found.key !== null) knownById.set(id, found);
    const [oldest] = knownById.keys();
    if (knownById.size > keysMax && oldest !== undefined) knownById.delete(oldest);
    return found;
  };

  const toAccess = ({ key, isSuspended }: Known, ticket: Ticket | null = null): Access | null =>
    key === null || !isKeyLive(key, clock.nowMs())
      ? null
      : { projectId: key.projectId, scopes: key.scopes, keyId: key.id, isSuspended, ticket };

  const isOwnSuspended = async (): Promise<boolean> => {
    const nowMs = clock.monotonicMs();
    if (nowMs - suspended.atMs >= believedMs)
      suspended = { is: (await directory.getProject(options.projectId))?.status === 'suspended', atMs: nowMs };
    return suspended.is;
  };

  const keyless = async (): Promise<Access> => ({
    projectId: options.projectId,
    scopes,
    keyId: null,
    isSuspended: await isOwnSuspended(),
    ticket: null,
  });

  const admitKey = async (text: string, remote: string | null): Promise<Access | Response> => {
    const presented: PresentedKey | null = parseKey(text);
    const waitMs = guesses.waitMs(remote);
    // A right key comes in while others guess at the same address. Those that were never seen here are looked for as often as
    // the store can bear.
    if (waitMs > 0 && (presented === null || !(knownById.has(presented.id) || guesses.mayLook())))
      return refuseGuess(waitMs);
    const known = presented === null ? null : await lookUp(presented);
    // A key that is not there is compared too: how long it takes tells nothing of which ids are given out.
    const isRight = presented !== null && isKeySecret(known?.key ?? { ...noKey, id: presented.id }, presented, pepper);
    const access = isRight && known !== null ? toAccess(known) : null;
    if (access !== null) return access;
    guesses.failed(remote);
    return waitMs > 0 ? refuseGuess(guesses.waitMs(remote)) : refuseKey();
  };

  const admitTicket = async (ticket: Ticket): Promise<Access | null> => {
    const [projectId = ''] = ticket.keyId.split('.');
    return toAccess(await lookUp({ id: ticket.keyId, projectId }), ticket);
  };

  const ticketOf = async (headers: Caller['headers']): Promise<Ticket | null> => {
    const ticket = readTicket(headers.get('cookie'), { pepper, nowMs: clock.nowMs() });
    return ticket === null || (await endedTickets.has(ticket)) ? null : ticket;
  };

  return {
    isClosed,
    async admit({ headers, remote }) {
      const bearer = bearerOf(headers);
      if (bearer !== null && (bearer.startsWith('tk_') || (await isClosed()))) return admitKey(bearer, remote);
      if (!(await isClosed())) return keyless();
      const ticket = await ticketOf(headers);
      return (ticket === null ? null : await admitTicket(ticket)) ?? refuseMissing();
    },
    async isStill({ keyId, projectId, ticket, isSuspended, scopes: granted }) {
      if (keyId === null) return !(await isClosed()) && (await isOwnSuspended()) === isSuspended;
      if (ticket !== null && (ticket.expiresAtMs <= clock.nowMs() || (await endedTickets.has(ticket)))) return false;
      const now = toAccess(await lookUp({ id: keyId, projectId }));
      return now !== null && now.isSuspended === isSuspended && now.scopes.join() === granted.join();
    },
    async signIn(keyText, { headers, remote }) {
      const access = await admitKey(keyText, remote);
      if (access instanceof Response) return access;
      const refused = refuseScope(access, 'read');
      if (refused !== null) return refused;
      const expiresAtMs = clock.nowMs() + ticketMs;
      const ticket = sealTicket({ keyId: access.keyId!, expiresAtMs }, pepper);
      const isSecure = headers.get('x-forwarded-proto') === 'https';
      return { access, expiresAtMs, cookie: ticketToCookie(ticket, { maxAgeSeconds: ticketMs / 1000, isSecure }) };
    },
    async signOut(headers) {
      const nowMs = clock.nowMs();
      const ticket = readTicket(headers.get('cookie'), { pepper, nowMs });
      if (ticket !== null) await endedTickets.end(ticket, nowMs);
    },
  };
}

/** The refusal of a request that its key does not allow; `null` for one that it does. */
export function refuseScope(access: Access, needed: Scope): Response | null {
  if (!allowsScope(access.scopes, needed)) {
    const detail = `This needs a key with the scope "${needed}"; the one that was sent has ${access.scopes.join(', ')}.`;
    return toProblem('scope-missing', detail);
  }
  if (access.isSuspended && needed !== 'read' && needed !== 'admin')
    return toProblem(
      'project-suspended',
      'The project is suspended: its records can be read and managed, nothing is added.',
    );
  return null;
}
