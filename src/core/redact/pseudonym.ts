import { createKeyedDigest } from './placeholder.ts';

const opening = 'pseudonym:';
const wholePseudonym = /^pseudonym:[0-9a-f]{24}$/;

/** Turns an identifier into a digest under a project's key: the same one always gives the same, and none can be guessed back. */
export type Pseudonymise = (identifier: string) => string;

/** Pseudonyms under a key. What is one already, and the empty text, stay as they are. */
export function createPseudonymise(key: Uint8Array): Pseudonymise {
  const digest = createKeyedDigest(key);
  return (identifier) =>
    identifier === '' || wholePseudonym.test(identifier)
      ? identifier
      : opening + digest(`identifier\0${identifier}`).slice(0, 24);
}
