import { sha256Hex } from '../digest.ts';

/** The parent of the first node of every context. */
export const rootNodeId = '0'.repeat(64);

/**
 * One link of a context: the list of contents that a model call saw is the path from the root to a node.
 * Contexts that grow by appending share their prefix by construction.
 */
export interface ContextNode {
  /** SHA-256(parent id bytes ‖ content id bytes), 64 hex digits. */
  readonly id: string;
  readonly parentId: string;
  readonly contentId: string;
  /** Length of the path: 1 for the first message. */
  readonly depth: number;
}

const both = Buffer.alloc(64);

/** The id of the node that appends a content to a context. */
export function nodeIdOf(parentId: string, contentId: string): string {
  both.write(parentId, 0, 32, 'hex');
  both.write(contentId, 32, 32, 'hex');
  return sha256Hex(both);
}

const epochZeroMs = Date.UTC(1970, 0, 5);
const weekMs = 7 * 24 * 3600 * 1000;

/** The epoch of a moment: whole UTC weeks (Monday to Sunday) since 5 January 1970. */
export function epochOf(timeMs: number): number {
  return Math.floor((timeMs - epochZeroMs) / weekMs);
}

/** First millisecond of an epoch. */
export function epochStartMs(epoch: number): number {
  return epochZeroMs + epoch * weekMs;
}
