import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Directory } from '../../core/access/directory.ts';
import { endedSessionsMax } from '../../core/access/directory.ts';
import type { Clock } from '../../core/clock.ts';

/** What a signed-in page carries: which key it signed in with, and until when. The key's secret is not in it. */
export interface Ticket {
  readonly keyId: string;
  readonly expiresAtMs: number;
}

const cookieName = 'tachograph_session';
const form = /^([a-z0-9_-]{1,63}\.[0-9a-f]{12})\.(\d{1,15})\.([0-9a-f]{64})$/;

function signatureOf({ keyId, expiresAtMs }: Ticket, pepper: Uint8Array): Buffer {
  return createHmac('sha256', pepper).update(`tachograph-session\n${keyId}\n${expiresAtMs}`).digest();
}

/** A ticket as text that only the holder of the pepper can make. */
export function sealTicket(ticket: Ticket, pepper: Uint8Array): string {
  return `${ticket.keyId}.${ticket.expiresAtMs}.${signatureOf(ticket, pepper).toString('hex')}`;
}

/** How many cookies of our name are looked at: others can only have been planted. */
const cookiesMax = 8;

function cookiesOf(header: string | null): string[] {
  return (header ?? '').split(';').flatMap((pair) => {
    const [name, value] = pair.trim().split('=');
    return name === cookieName && value !== undefined ? [value] : [];
  });
}

/** The ticket in a `Cookie` header, of several the first that is one; `null` for none, a changed or an expired one. */
export function readTicket(header: string | null, of: { pepper: Uint8Array; nowMs: number }): Ticket | null {
  for (const cookie of cookiesOf(header).slice(0, cookiesMax)) {
    const ticket = openTicket(cookie, of);
    if (ticket !== null) return ticket;
  }
  return null;
}

function openTicket(cookie: string, of: { pepper: Uint8Array; nowMs: number }): Ticket | null {
  const [, keyId, expires, signature] = form.exec(cookie) ?? [];
  if (keyId === undefined || expires === undefined || signature === undefined) return null;
  const ticket = { keyId, expiresAtMs: Number(expires) };
  const isOurs = timingSafeEqual(signatureOf(ticket, of.pepper), Buffer.from(signature, 'hex'));
  return isOurs && of.nowMs < ticket.expiresAtMs ? ticket : null;
}

/**
 * A `Set-Cookie` value that no script reads and no other site's request carries. `Secure` only behind TLS: browsers drop
 * such a cookie on plain HTTP. An empty ticket with age 0 signs out.
 */
export function ticketToCookie(ticket: string, of: { maxAgeSeconds: number; isSecure: boolean }): string {
  const base = `${cookieName}=${ticket}; Path=/; Max-Age=${of.maxAgeSeconds}; HttpOnly; SameSite=Strict`;
  return of.isSecure ? `${base}; Secure` : base;
}

/** The name under which a session is ended: whose key, and until when. */
export const ticketToSessionId = ({ keyId, expiresAtMs }: Ticket): string => `${keyId} ${expiresAtMs}`;

/** Tells which sessions were ended before their time, here or on another server. */
export interface EndedTickets {
  /** Ends it here at once, and everywhere as soon as the directory has it; rejects as the directory does. */
  end(ticket: Ticket, nowMs: number): Promise<void>;
  /** What the directory said is believed for so long; an end is believed for ever. */
  has(ticket: Ticket): Promise<boolean>;
}

/** Over a directory. Remembers ten thousand sessions at most, those that were asked for last. */
export function createEndedTickets(parts: {
  readonly directory: Pick<Directory, 'endSession' | 'isSessionEnded'>;
  readonly clock: Clock;
  readonly believedMs: number;
}): EndedTickets {
  const { directory, clock, believedMs } = parts;
  const knownById = new Map<string, { isEnded: boolean; atMs: number }>();
  const remember = (id: string, isEnded: boolean): void => {
    knownById.delete(id);
    knownById.set(id, { isEnded, atMs: clock.monotonicMs() });
    const [first] = knownById.keys();
    if (knownById.size > endedSessionsMax && first !== undefined) knownById.delete(first);
  };
  const projectOf = ({ keyId }: Ticket): string => keyId.split('.')[0]!;
  return {
    async end(ticket, nowMs) {
      const id = ticketToSessionId(ticket);
      remember(id, true);
      await directory.endSession(projectOf(ticket), { id, expiresAtMs: ticket.expiresAtMs }, nowMs);
    },
    async has(ticket) {
      const id = ticketToSessionId(ticket);
      const known = knownById.get(id);
      if (known !== undefined && (known.isEnded || clock.monotonicMs() - known.atMs < believedMs)) return known.isEnded;
      const isEnded = await directory.isSessionEnded(projectOf(ticket), id);
      // It may have been ended here while the directory was asked.
      remember(id, isEnded || knownById.get(id)?.isEnded === true);
      return knownById.get(id)?.isEnded ?? isEnded;
    },
  };
}
