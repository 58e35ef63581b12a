import { createContentDecoder, isIdentity } from '../body/content-decoder.ts';
import type { Exchange } from '../exchange.ts';
import type { Ledger } from '../ledger.ts';

/** The body of one answer as its bytes come off the wire, decoded for the exchange that records it. */
export interface WireBody {
  push(chunk: Uint8Array): void;
  /** Bytes as they came. */
  readonly bytes: number;
  /** Calls `how` once all that came has been decoded and told. */
  settle(how: (exchange: Exchange) => void): void;
}

/** A body in this content encoding. One that is not known is counted and not read. */
export function createWireBody(exchange: Exchange, encoding: string | undefined, ledger: Ledger): WireBody {
  const isPlain = isIdentity(encoding);
  const decoder = isPlain
    ? null
    : createContentDecoder(encoding!, (bytes) => void ledger.guard(() => exchange.chunk(bytes, 0)));
  if (!isPlain && decoder === null) exchange.blind();
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.byteLength;
      if (isPlain) return exchange.chunk(chunk);
      decoder?.push(chunk);
      exchange.wire(chunk.byteLength);
    },
    get bytes() {
      return bytes;
    },
    settle(how) {
      if (decoder === null) how(exchange);
      else decoder.end(() => void ledger.guard(() => how(exchange)));
    },
  };
}
