import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../core/store.ts';
import { createWorld, type RunBuilder } from '../../testing/index.ts';
import { eventsToPacks, packBytes, packToEvents, partsToBlocks, unpackBlock } from './block.ts';

const numbered = (run: RunBuilder) => run.entries.map(({ event }, index) => ({ ...event, seq: index + 1 }));
const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const plain = (events: readonly StoredEvent[]) =>
  events.map((event) => ({ ...event, salt: hex(event.salt), digest: hex(event.digest), hash: hex(event.hash) }));

describe('blocks of contents', () => {
  it('give every part back, in few blocks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(255), fc.oneof(fc.nat(300), fc.nat(200_000))), { maxLength: 12 }),
        (shapes) => {
          const parts = shapes.map(([fill, size], key) => ({ key, bytes: Buffer.alloc(size, fill) }));
          const seen = partsToBlocks(parts).flatMap(({ packed, places }) => {
            const bytes = unpackBlock(packed)!;
            return places.map(({ key, at, size }) => ({ key, bytes: Buffer.from(bytes.subarray(at, at + size)) }));
          });
          expect(seen).toEqual(parts);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that are packed in a hurry are what they were, whatever their size', () => {
    for (const size of [0, 1, 255, 256, 2047, 2048, 2049, 70_000]) {
      const bytes = Buffer.alloc(size, 'walrus');
      expect(hex(unpackBlock(packBytes(bytes, 'quick')))).toBe(hex(bytes));
      expect(hex(unpackBlock(packBytes(bytes)))).toBe(hex(bytes));
    }
    expect(unpackBlock(packBytes(Buffer.from('walrus'), 'quick').subarray(0, 14))).toBeNull();
  });

  it('that are damaged are nothing, not a crash', () => {
    const [block] = partsToBlocks([{ key: 1, bytes: Buffer.from('x'.repeat(1000)) }]);
    expect(unpackBlock(block!.packed.subarray(3))).toBeNull();
  });
});

describe('packs of events', () => {
  it('give every event back, erased ones too', () => {
    const run = createWorld()
      .run({ name: 'ü\u0000"' })
      .step({ messages: ['x'] })
      .end();
    for (let index = 0; index < 400; index += 1) run.emit('log', { payload: { type: 'x', data: 'y'.repeat(1000) } });
    const events = numbered(run).map((event, index) =>
      index % 7 === 0 ? { ...event, payload: null, salt: null } : event,
    );
    const packs = eventsToPacks(events);
    expect(packs.length).toBeGreaterThan(1);
    expect(packs.map((pack) => pack.firstSeq).slice(1)).toEqual(packs.map((pack) => pack.lastSeq + 1).slice(0, -1));
    expect(plain(packs.flatMap((pack) => packToEvents(run.id, pack)))).toEqual(plain(events));
    expect(eventsToPacks([])).toEqual([]);
  });
});
