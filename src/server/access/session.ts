import { createHmac, timingSafeEqual } from 'node:crypto';

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

const endedMax = 10_000;

/** Sessions that were ended before their time, in this process's memory, until their time is up. */
export interface EndedTickets {
  add(ticket: Ticket, nowMs: number): void;
  has(ticket: Ticket): boolean;
}

/** Bounded: past ten thousand at once, the one that was ended first is forgotten. */
export function createEndedTickets(): EndedTickets {
  const untilByName = new Map<string, number>();
  const nameOf = ({ keyId, expiresAtMs }: Ticket): string => `${keyId} ${expiresAtMs}`;
  return {
    add(ticket, nowMs) {
      for (const [name, untilMs] of untilByName) if (untilMs <= nowMs) untilByName.delete(name);
      untilByName.set(nameOf(ticket), ticket.expiresAtMs);
      const [first] = untilByName.keys();
      if (untilByName.size > endedMax && first !== undefined) untilByName.delete(first);
    },
    has: (ticket) => untilByName.has(nameOf(ticket)),
  };
}
