import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../core/journal.ts';
import { contentKinds } from '../core/content/content.ts';
import { nodeIdOf } from '../core/content/context.ts';
import { eventTypes, headerToText } from '../core/record/event.ts';
import { payloadDigest } from '../core/record/chain.ts';
import { contentOf, createEntries, plain, runA, runB, writerId } from '../../test/journal/entries.ts';
import { createEntryEncoder, decodeEntry, eraseInBody, parseEventHeader } from './entry.ts';
import { frameHeadBytes } from './frame.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hexOf = (length: number) => bytesOf(length).map((bytes) => Buffer.from(bytes).toString('hex'));

const headers = fc.record({
  runId: fc.constantFrom(runA, runB),
  writerId: fc.constant(writerId),
  n: fc.integer({ min: 1, max: 2 ** 40 }),
  type: fc.constantFrom(...eventTypes),
  timeMs: fc.integer({ min: 0, max: 2 ** 45 }),
  stepId: fc.option(fc.constantFrom(runA, runB)),
  attempt: fc.option(fc.integer({ min: 1, max: 99 })),
  facts: fc.option(
    fc
      .jsonValue()
      .filter((v) => v !== null)
      .map((value) => JSON.stringify(value)),
  ),
});

const entries: fc.Arbitrary<JournalEntry> = fc.record({
  epoch: fc.integer({ min: -1, max: 5000 }),
  contents: fc.array(
    fc.record({ id: hexOf(32), salt: bytesOf(16), kind: fc.constantFrom(...contentKinds), bytes: fc.uint8Array() }),
  ),
  nodes: fc.array(
    fc
      .record({ parentId: hexOf(32), contentId: hexOf(32), depth: fc.nat(10_000) })
      .map((node) => ({ id: nodeIdOf(node.parentId, node.contentId), ...node })),
  ),
  event: fc.record({
    header: headers,
    payload: fc.string({ unit: 'grapheme', maxLength: 60_000 }),
    salt: bytesOf(16),
    digest: bytesOf(32),
    hash: bytesOf(32),
  }),
});

const bodyOf = (entry: JournalEntry): Buffer => Buffer.from(createEntryEncoder()(entry).subarray(frameHeadBytes));

describe('entry', () => {
  it('comes back as it went in, whatever it holds', () => {
    const encode = createEntryEncoder();
    fc.assert(
      fc.property(entries, (entry) => {
        expect(plain(decodeEntry(encode(entry).subarray(frameHeadBytes)))).toEqual(plain(entry));
      }),
    );
  });

  it('comes back when it is larger than the encoder keeps room for', () => {
    const words = 'long text \u{1F600} '.repeat(200_000);
    const entry = createEntries(runA)(words, [contentOf(words)]);
    expect(plain(decodeEntry(bodyOf(entry)))).toEqual(plain(entry));
  });

  it('comes back when several are encoded at once, however much room they need', () => {
    const encode = createEntryEncoder();
    const sizes = [10, 90_000, 10, 400_000, 2_000_000, 10];
    const many = sizes.map((size) => createEntries(runA)('w'.repeat(size), [contentOf('c'.repeat(size))]));
    const frames = Buffer.from(encode(...many));
    // Compared as a whole: to tell megabytes apart one by one would take minutes.
    expect(frames.equals(Buffer.concat(many.map((entry) => Buffer.from(createEntryEncoder()(entry)))))).toBe(true);
    const alone = Buffer.from(encode(many[0]!));
    expect(alone.equals(frames.subarray(0, alone.length))).toBe(true);
  });

  it('keeps a header as the exact text that was hashed', () => {
    fc.assert(
      fc.property(headers, (header) => {
        expect(parseEventHeader(headerToText(header))).toEqual(header);
      }),
    );
  });

  it('refuses a header that is not in its exact form', () => {
    const text = headerToText({ ...createEntries(runA)('x').event.header, attempt: 1 });
    for (const other of [
      '',
      '[]',
      text.slice(0, -1),
      text.replace('[1,', '[2,'),
      text.replace(',1,null]', ',01,null]'),
    ]) {
      expect(() => parseEventHeader(other)).toThrow(RangeError);
    }
  });

  it('refuses every body cut short', () => {
    const body = bodyOf(createEntries(runA)('some words', [contentOf('more words')]));
    for (let length = 0; length < body.length; length += 1)
      expect(() => decodeEntry(body.subarray(0, length))).toThrow(RangeError);
  });

  it('never reads past random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => decodeEntry(Buffer.from(bytes))).toThrow(RangeError);
      }),
    );
  });

  it('loses words and salt when erased, and keeps digest, hash, length and the other run', () => {
    const shared = contentOf('told to both');
    const body = bodyOf(createEntries(runA)('told to A', [contentOf('only A'), shared]));
    const before = decodeEntry(Buffer.from(body));
    expect(eraseInBody(body, { runId: runB })).toEqual({ events: 0, contents: 0 });
    expect(eraseInBody(body, { runId: runA, contentIds: new Set([before.contents[0]!.id]) })).toEqual({
      events: 1,
      contents: 1,
    });
    const after = decodeEntry(body);
    expect(after.event).toMatchObject({ payload: null, salt: null, header: before.event.header });
    expect(after.event.digest).toEqual(before.event.digest);
    expect(after.event.hash).toEqual(before.event.hash);
    expect(after.contents.map(({ id }) => id)).toEqual([shared.id]);
    expect(body.includes('told to A') || body.includes('only A')).toBe(false);
    expect(body.includes('told to both')).toBe(true);
    expect(eraseInBody(body, { runId: runA })).toEqual({ events: 0, contents: 1 });
  });

  it('reads back a payload whose digest still fits', () => {
    const entry = decodeEntry(bodyOf(createEntries(runA)('lone \ud800 surrogate')));
    expect(Buffer.from(payloadDigest(entry.event.salt!, entry.event.payload!))).toEqual(
      Buffer.from(entry.event.digest),
    );
  });
});
