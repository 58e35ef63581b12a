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

function cookieOf(header: string | null): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === cookieName && value !== undefined) return value;
  }
  return null;
}

/** The ticket in a `Cookie` header; `null` for none, a changed or an expired one. */
export function readTicket(header: string | null, of: { pepper: Uint8Array; nowMs: number }): Ticket | null {
  const [, keyId, expires, signature] = form.exec(cookieOf(header) ?? '') ?? [];
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
