import { describe, expect, it } from 'vitest';
import { createContentNamer } from '../content/content.ts';
import { createDraft, createInterner } from '../content/interner.ts';
import { createRedactor } from '../redact/create.ts';
import { createPrefixMemory } from './prefix.ts';

const key = new Uint8Array(32);

function createWalker() {
  const interner = createInterner({
    namer: createContentNamer(key),
    redactor: createRedactor({ key }),
    knownMax: 1000,
  });
  const memory = createPrefixMemory();
  return {
    interner,
    next: (stepId: string, ...words: string[]) =>
      memory.next(stepId, interner.context('message', words, createDraft(1))!),
  };
}

describe('prefix break', () => {
  it('is none while a conversation grows, and names message and step where it diverges', () => {
    const { next } = createWalker();
    expect(next('s1', 'system', 'a')).toBeNull();
    expect(next('s2', 'system', 'a', 'b', 'c')).toBeNull();
    expect(next('s3', 'system', 'a', 'x', 'c')).toEqual({ previousStepId: 's2', atIndex: 2 });
    expect(next('s4', 'system', 'a', 'x', 'c', 'd')).toBeNull();
  });

  it('follows interleaved conversations apart, and takes a shorter one with nothing in common as new', () => {
    const { next } = createWalker();
    expect(next('s1', 'main', 'a', 'b')).toBeNull();
    expect(next('s2', 'side')).toBeNull();
    expect(next('s3', 'main', 'a', 'b', 'c')).toBeNull();
    expect(next('s4', 'side', 'z')).toBeNull();
  });

  it('sees a changed beginning of a conversation that goes on', () => {
    const { next } = createWalker();
    next('s1', 'system one', 'a');
    expect(next('s2', 'system two', 'a', 'b')).toEqual({ previousStepId: 's1', atIndex: 0 });
  });

  it('survives a memory that was started afresh', () => {
    const { interner, next } = createWalker();
    next('s1', 'system', 'a');
    interner.forget();
    expect(next('s2', 'system', 'a', 'b')).toBeNull();
  });
});
