import { createServer, Socket } from 'node:net';

/*
 * A way to PostgreSQL that breaks where it is told to. It reads the messages of the protocol as they pass
 * (postgresql.org/docs/current/protocol-message-formats.html), so that a connection is cut between two of them:
 *
 *   client ──► Parse Bind Describe Execute … Sync ──► server     cut 'asked': the message still arrives, nothing after it
 *   client ◄── … CommandComplete … ReadyForQuery  ◄── server     cut 'answered': the message is lost, and all after it
 */

/** Where a connection is cut, once: at the `at`th message of this type since it was set, counted from 1. */
export interface Cut {
  readonly side: 'asked' | 'answered';
  /** One letter of the protocol; `null` for every message. */
  readonly type: string | null;
  readonly at: number;
  /** Instead of ending the connection, swallow everything from there on. */
  readonly isHole?: boolean;
}

/** Which directions swallow everything. */
export type Hole = 'asked' | 'answered' | 'both';

/** A relay on loopback in front of a server. */
export interface Relay {
  /** The server's address by way of the relay. */
  readonly url: string;
  /** Sets the next cut; `null` sets none. */
  cut(cut: Cut | null): void;
  /** Whether the cut that was set last has been made. */
  wasCut(): boolean;
  /** Called when a cut is made, before either side can notice. */
  onCut: () => void;
  /** From now on bytes, connections and ends of connections go nowhere, and nobody is told. */
  hole(hole: Hole): void;
  /** Bytes pass again; what was swallowed stays so, and connections of that time stay dead. */
  flow(): void;
  /** Connections that the relay keeps open to the server. */
  connections(): number;
  close(): Promise<void>;
}

const lengthBytes = 4;

/** Splits bytes of one direction into messages; the first of a client has no type. */
function createSplitter(isClient: boolean): (bytes: Buffer) => { type: string; bytes: Buffer }[] {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = isClient;
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const messages = [];
    for (;;) {
      const at = isFirst ? 0 : 1;
      if (rest.length < at + lengthBytes) return messages;
      const length = at + rest.readUInt32BE(at);
      if (rest.length < length) return messages;
      messages.push({ type: isFirst ? '' : String.fromCharCode(rest[0]!), bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
      isFirst = false;
    }
  };
}

/** Opens a relay to the server of a URL. */
export async function openRelay(url: string): Promise<Relay> {
  const target = new URL(url);
  const clients = new Set<Socket>();
  const ups = new Set<Socket>();
  let [next, seen, isCut]: [Cut | null, number, boolean] = [null, 0, false];
  let hole: Hole | null = null;
  const isHole = (side: Cut['side']): boolean => hole === 'both' || hole === side;

  const strikes = (side: Cut['side'], type: string): boolean => {
    if (next === null || isCut || next.side !== side || (next.type !== null && next.type !== type)) return false;
    seen += 1;
    return seen === next.at;
  };
  const server = createServer((client) => {
    const up = new Socket();
    let isDead = false;
    clients.add(client);
    client.on('close', () => clients.delete(client));
    if (hole !== null) {
      client.on('error', () => undefined);
      return;
    }
    ups.add(up);
    // It writes message by message: held back for more, each round trip would take 40 ms.
    for (const socket of [client, up]) socket.setNoDelay(true);
    up.connect(Number(target.port), target.hostname);
    const sever = (): void => {
      isDead = true;
      isCut = true;
      relay.onCut();
      if (next?.isHole === true) {
        hole = 'both';
        return;
      }
      client.destroy();
      // An orderly end: the server first reads what it was sent.
      up.end();
      up.resume();
    };
    const pass = (side: Cut['side'], to: Socket): ((bytes: Buffer) => void) => {
      const split = createSplitter(side === 'asked');
      return (bytes) => {
        for (const message of split(bytes)) {
          if (isDead) return;
          if (isHole(side)) {
            // What is missing in the middle of a connection cannot be made up for later.
            isDead = true;
            return;
          }
          const isLast = strikes(side, message.type);
          if (!isLast || side === 'asked') to.write(message.bytes);
          if (isLast) sever();
        }
      };
    };
    client.on('data', pass('asked', up));
    up.on('data', pass('answered', client));
    client.on('error', () => undefined);
    up.on('error', () => client.destroy());
    client.on('close', () => void (hole === null && !isDead && up.destroy()));
    up.on('close', () => {
      ups.delete(up);
      if (hole === null && !isDead) client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relayed = new URL(url);
  relayed.port = String((server.address() as { port: number }).port);
  const relay: Relay = {
    url: relayed.href,
    cut(cut) {
      [next, seen, isCut] = [cut, 0, false];
    },
    wasCut: () => isCut,
    onCut: () => undefined,
    hole: (kind) => void (hole = kind),
    flow: () => void (hole = null),
    connections: () => ups.size,
    close: () => {
      for (const socket of [...clients, ...ups]) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return relay;
}
