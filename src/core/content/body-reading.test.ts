import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BodyRef } from '../model/attempt.ts';
import { joinBody, planBody } from './body-reading.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const refTo = (contentId: string | null, base: BodyRef['base'], prefixBytes: number): BodyRef => ({
  contentId,
  base,
  prefixBytes,
  bytes: null,
  contentType: 'application/json',
  truncated: false,
  withheld: null,
});

/** Records bodies as a recorder does: each keeps of the one before it the first `shared` bytes. */
function recordChain(bodies: readonly Uint8Array[], sharedOf: (at: number) => number) {
  const bytesById = new Map<string, Uint8Array>();
  const refs = bodies.map((body, at) => {
    const shared = at === 0 ? 0 : sharedOf(at);
    bytesById.set(`c${at}`, body.subarray(shared));
    return refTo(`c${at}`, at === 0 ? null : { stepId: `s${at - 1}`, attempt: 1 }, shared);
  });
  const bodyOf = async (base: { stepId: string }): Promise<BodyRef | null> => refs[Number(base.stepId.slice(1))] ?? null;
  return { refs, bytesById, bodyOf };
}

test('any chain of prefixes reads back to the same bytes', async () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const edit = fc.record({ keep: fc.nat(40), add: fc.array(byte, { maxLength: 20 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 30 }), async (edits) => {
      const bodies: Uint8Array[] = [];
      const shared: number[] = [];
      for (const { keep, add } of edits) {
        const before = bodies.at(-1) ?? new Uint8Array();
        shared.push(Math.min(keep, before.byteLength));
        bodies.push(Uint8Array.from([...before.subarray(0, keep), ...add]));
      }
      const { refs, bytesById, bodyOf } = recordChain(bodies, (at) => shared[at]!);
      for (const [at, ref] of refs.entries()) {
        const pieces = await planBody(ref, bodyOf);
        expect(Buffer.from(joinBody(pieces!, bytesById)!).equals(bodies[at]!)).toBe(true);
      }
    }),
  );
});

test('bases are read only as far as bytes are needed', async () => {
  const { refs, bodyOf } = recordChain([bytesOf('aaaa'), bytesOf('aabbbb'), bytesOf('aaXX')], () => 2);
  const asked: string[] = [];
  const pieces = await planBody(refs[2]!, async (base) => {
    asked.push(base.stepId);
    return bodyOf(base);
  });
  expect(pieces).toEqual([
    { contentId: 'c0', bytes: 2 },
    { contentId: 'c2', bytes: null },
  ]);
  expect(asked).toEqual(['s1', 's0']);
});

test('what is withheld, gone, too short or goes in circles is null', async () => {
  const nobody = async (): Promise<null> => null;
  expect(await planBody(refTo(null, null, 0), nobody)).toBeNull();
  expect(await planBody(refTo('c', { stepId: 's', attempt: 1 }, 3), nobody)).toBeNull();
  expect(await planBody(refTo('c', null, 3), nobody)).toBeNull();
  const circle = refTo('c', { stepId: 's', attempt: 1 }, 3);
  expect(await planBody(circle, async () => circle)).toBeNull();
  expect(joinBody([{ contentId: 'c', bytes: 3 }], new Map([['c', bytesOf('ab')]]))).toBeNull();
  expect(joinBody([{ contentId: 'c', bytes: null }], new Map())).toBeNull();
});
