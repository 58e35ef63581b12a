import type { RecordedError } from './step.ts';

/** Why an attempt is worth another one. */
export const retryClasses = ['rate-limit', 'overloaded', 'server', 'network', 'timeout', 'other'] as const;

/** One of the retry classes. */
export type RetryClass = (typeof retryClasses)[number];

/**
 * A recorded body. Whole bodies name one content. A JSON request body may instead continue the previous body of
 * the same run and URL: its first `prefixBytes` bytes are those of `base`, then comes the content. Reading back
 * gives the identical (redacted) bytes.
 */
export interface BodyRef {
  /** Content id of the body, or of what follows the prefix. `null` when withheld or not captured. */
  readonly contentId: string | null;
  readonly base: { readonly stepId: string; readonly attempt: number } | null;
  readonly prefixBytes: number;
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
