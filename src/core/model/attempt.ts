import type { RecordedError } from './step.ts';

/** Why an attempt is worth another one. */
export const retryClasses = ['rate-limit', 'overloaded', 'server', 'network', 'timeout', 'other'] as const;

/** One of the retry classes. */
export type RetryClass = (typeof retryClasses)[number];

/** How an attempt can end. */
export const attemptStatuses = ['completed', 'failed'] as const;

/** One of the two ends of an attempt. */
export type AttemptStatus = (typeof attemptStatuses)[number];

/**
 * A recorded body. A whole body is one content. A longer JSON request body is a path of contents, cut between the
 * elements of its arrays, like a context: requests that repeat what earlier ones said share their beginning, whichever
 * run or attempt sent them. The pieces, joined, are the (redacted) body byte for byte.
 */
export interface BodyRef {
  /** Content id of the body, or `null` when it is a path, withheld or not captured. */
  readonly contentId: string | null;
  /** Tip of the path of pieces, or `null`. */
  readonly nodeId: string | null;
  /** Number of pieces of the path; 0 without one. */
  readonly pieces: number;
  /** Size on the wire, or `null` when never known. */
  readonly bytes: number | null;
  readonly contentType: string | null;
  /** Cut at the cap. */
  readonly truncated: boolean;
  /** Why there is no content, when there is none. */
  readonly withheld: string | null;
}

/** One HTTP round trip under a model step, as computed from its events. */
export interface AttemptView {
  readonly runId: string;
  readonly stepId: string;
  /** From 1 within its step. */
  readonly number: number;
  /** `null` while the round trip is under way. */
  readonly status: 'completed' | 'failed' | null;
  readonly method: string | null;
  readonly url: string | null;
  readonly path: string | null;
  readonly requestHeaders: Readonly<Record<string, string>> | null;
  readonly requestBody: BodyRef | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseBody: BodyRef | null;
  readonly startedAtMs: number;
  readonly durationMs: number | null;
  readonly error: RecordedError | null;
  readonly retryClass: RetryClass | null;
  readonly retryDelayMs: number | null;
  readonly providerRequestId: string | null;
  readonly erased: boolean;
}
