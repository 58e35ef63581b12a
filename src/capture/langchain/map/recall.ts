import type { Fields, VendorMessage } from '../vendor.ts';
import { isMessage } from '../vendor.ts';
import { messageToPlain } from './message.ts';

/** Deeper values are taken as changed: comparing them costs more than recording them anew. */
const depthMax = 64;

/** Same JSON by walking. Equal strings are nearly always one pointer. */
function isSame(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || depth > depthMax) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame((a as Fields)[key], (b as Fields)[key], depth + 1));
}

/**
 * Messages as they are recorded. One that says the same as before is given the identity it had: the recorder knows its
 * contents by identity, so a conversation that only grew costs what is new.
 */
export interface MessageRecall {
  of(messages: unknown): readonly unknown[];
}

/** A memory that lives as long as the messages do. */
export function createMessageRecall(): MessageRecall {
  const plainByMessage = new WeakMap<VendorMessage, Fields>();
  return {
    of(messages) {
      if (!Array.isArray(messages)) return [];
      return messages.map((message: unknown) => {
        if (!isMessage(message)) return message;
        const known = plainByMessage.get(message);
        const plain = messageToPlain(message);
        if (known !== undefined && isSame(known, plain)) return known;
        plainByMessage.set(message, plain);
        return plain;
      });
    },
  };
}
