import type { ApiKey, Scope } from '../core/access/key.ts';
import type { Project } from '../core/access/project.ts';
import type { Part } from '../core/content/message.ts';
import type { CostSum } from '../core/cost/sum.ts';
import type { RunDifference } from '../core/difference/run-difference.ts';
import type { StepDifference } from '../core/difference/step-difference.ts';
import type { AttemptView } from '../core/model/attempt.ts';
import type { RunView } from '../core/model/run.ts';
import type { StepView } from '../core/model/step.ts';
import type { Annotation, SearchHit, TotalsRow } from '../core/store.ts';
import type { Verdict } from '../core/verify/verdict.ts';

export type { Part as WirePart } from '../core/content/message.ts';
export type { AttemptView, BodyRef } from '../core/model/attempt.ts';
export type { Cost, StepCost, UnknownCostReason } from '../core/model/cost.ts';
export type { CostSum } from '../core/cost/sum.ts';
export type { RunCounts, RunStatus, RunView, EndReason } from '../core/model/run.ts';
export type { RecordedError, StepStatus, StepView, StreamSummary, PrefixBreak } from '../core/model/step.ts';
export type { Usage } from '../core/model/usage.ts';
export type { Annotation, ErasureResult, SearchHit, TotalsRow } from '../core/store.ts';

/** Runs as work: queue, workers, schedules, agents. */
export type * from './wire-work.ts';

/** `GET /api/v1/runs/{id}/diff/{other}`, and one row of it word for word: `…/steps?a=&b=`. */
export type { RunDifference, StepBrief, StepRow } from '../core/difference/run-difference.ts';
export type { MessageRow, StepDifference } from '../core/difference/step-difference.ts';

/** Both verdicts of `GET /api/v1/runs/{id}/verify`. */
export type { Verdict as WireVerdict } from '../core/verify/verdict.ts';

/** One seal over a run: `GET /api/v1/runs/{id}/seals`. */
export interface WireSeal {
  /** Its place in the seals of its project. */
  readonly number: number;
  readonly projectId: string;
  readonly timeMs: number;
  /** Events it covers. */
  readonly events: number;
  /** Events that it says were erased. */
  readonly erased: number;
  readonly publicKey: string;
  /** What people compare: the first 128 bits of the key's SHA-256. */
  readonly fingerprint: string;
  /** Its digest, which the next seal of the project and an anchor name. */
  readonly digest: string;
  /** `here`: made by this home. `origin`: it came with the run. */
  readonly from: 'here' | 'origin';
}

/** `GET /api/v1/runs/{id}/seals`: those of its origin first, each by number. */
export interface RunSeals {
  readonly seals: readonly WireSeal[];
  /** The project that a run came from by a run file; `null` for one recorded here. */
  readonly origin: { readonly projectId: string; readonly fingerprint: string } | null;
}

/** A page of runs: `GET /api/v1/runs`. `total` only with `count=true`. */
export interface RunPage {
  readonly items: readonly RunView[];
  readonly nextCursor: string | null;
  readonly limit: number;
  readonly limitCorrected: boolean;
  readonly total: number | null;
}

/** One event as read: `GET /api/v1/runs/{id}/events`, and `data:` of its server-sent events (id = seq). */
export interface WireEvent {
  readonly seq: number;
  readonly writerId: string;
  readonly n: number;
  readonly type: string;
  readonly timeMs: number;
  readonly stepId: string | null;
  readonly attempt: number | null;
  readonly facts: unknown;
  /** `null` once erased; `{error, raw}` when the stored value is malformed. */
  readonly payload: unknown;
  readonly hash: string;
}

/** One message of a context. */
export interface WireMessage {
  readonly index: number;
  readonly contentId: string;
  readonly role: string;
  readonly parts: readonly Part[];
  /** The exact recorded text. */
  readonly raw: string;
  /** Not in the previous context of this run. */
  readonly isNew: boolean;
  /** Cache-control mark or the like, when there is one. */
  readonly mark: unknown;
}

/** `GET /api/v1/runs/{id}/steps/{n}/context`. */
export interface WireContext {
  readonly messages: readonly WireMessage[];
  readonly tools: readonly {
    readonly contentId: string;
    readonly name: string | null;
    readonly description: string | null;
    readonly raw: string;
  }[];
  /** Messages before this index come from the previous context; they can be left out with `from`. */
  readonly newFrom: number;
  readonly length: number;
  /** Contents that were erased or are missing. */
  readonly missing: number;
}

/** A content resolved for reading: `value` when it is JSON, else `null`; always the exact text. */
export interface WireContent {
  readonly contentId: string;
  readonly value: unknown;
  readonly raw: string;
  readonly bytes: number;
}

/** A step in full: `GET /api/v1/runs/{id}/steps/{n}`. */
export interface StepDetail {
  readonly step: StepView;
  readonly args: WireContent | null;
  readonly request: WireContent | null;
  readonly response: WireContent | null;
  readonly responseParts: readonly Part[];
  readonly result: WireContent | null;
  readonly attempts: readonly AttemptView[];
  readonly childRuns: readonly RunView[];
}

/** A body read back: `GET /api/v1/runs/{id}/steps/{n}/attempts/{k}`. */
export interface AttemptDetail {
  readonly attempt: AttemptView;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
}

/** A run with what its page shows first: `GET /api/v1/runs/{id}`. */
export interface RunDetail {
  readonly run: RunView;
  readonly inputs: WireContent | null;
  readonly output: WireContent | null;
  readonly environment: unknown;
  /** Root first, this run last. */
  readonly chain: readonly { readonly id: string; readonly agentId: string; readonly name: string | null }[];
  readonly annotations: readonly Annotation[];
  readonly gaps: readonly WireEvent[];
  /** What the runs below this one cost together, on all levels; not part of its own cost. */
  readonly childCost: CostSum;
}

/** A node of `GET /api/v1/runs/{id}/tree`: the run and, nested, its child runs. */
export interface RunTree {
  readonly run: RunView;
  readonly steps: readonly StepView[];
  readonly children: readonly RunTree[];
  /** True when the tree was cut at its depth or size limit. */
  readonly cut: boolean;
}

/** `GET /api/v1/search`. */
export interface SearchPage {
  readonly items: readonly (SearchHit & { readonly run: RunView | null; readonly stepNumber: number | null })[];
}

/** `GET /api/v1/stats`. */
export interface Stats {
  readonly by: 'model' | 'agent' | 'day';
  readonly rows: readonly TotalsRow[];
}

/** One bucket of the list's sparkline: `GET /api/v1/stats/volume?since=&until=&buckets=` and the filters of the list (an array, oldest first). `errors` counts runs. */
export interface VolumeBucket {
  readonly startMs: number;
  readonly runs: number;
  readonly errors: number;
  readonly costNanoUsd: number | null;
  /** What is known of the cost: at least so much. `null` where runs were only counted. */
  readonly costKnownNanoUsd: number | null;
}

/** One run of an offline page, as its routes would answer. Numbers name `messages`, `tools` and `texts` of the page. */
export interface OfflineRun {
  readonly detail: RunDetail;
  readonly verdict: Verdict;
  readonly seals: RunSeals;
  readonly children: readonly RunView[];
  readonly steps: readonly StepView[];
  /** The last 500. */
  readonly events: readonly WireEvent[];
  readonly stepDetails: Readonly<Record<number, StepDetail>>;
  readonly contexts: Readonly<
    Record<
      number,
      {
        /** Message, whether it is new, and its mark, by index in the context. */
        readonly messages: readonly (readonly [index: number, message: number, isNew: boolean, mark: unknown])[];
        readonly tools: readonly number[];
        readonly newFrom: number;
        readonly length: number;
        readonly missing: number;
      }
    >
  >;
  /** Bodies of a step's attempts, by step and then attempt, as the texts they are made of. */
  readonly bodies: Readonly<
    Record<
      number,
      Readonly<
        Record<number, { readonly request: readonly number[] | null; readonly response: readonly number[] | null }>
      >
    >
  >;
}

/** What a page that opens without a server holds in its place. Every message and every piece of a body is there once. */
export interface OfflineBook {
  readonly version: 1;
  /** The run that the page opens with. */
  readonly runId: string;
  readonly runs: Readonly<Record<string, OfflineRun>>;
  readonly messages: readonly Pick<WireMessage, 'contentId' | 'role' | 'parts' | 'raw'>[];
  readonly tools: readonly WireContext['tools'][number][];
  readonly texts: readonly string[];
  /** The run that the page was made to compare its first one with; absent in a page of one run. */
  readonly comparison?: OfflineComparison;
}

/** Two runs of a page side by side. */
export interface OfflineComparison {
  readonly otherId: string;
  readonly difference: RunDifference;
  /** Steps word for word, by their two numbers: `3/4`. */
  readonly steps: Readonly<Record<string, StepDifference>>;
}

/** `application/problem+json`. `code` is one of the closed codes; `field` names the query or body field that was wrong. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly field: string | null;
}

/**
 * `data:` of `event: run` of `GET /api/v1/runs/stream` and of `GET /api/v1/runs/{id}/events`: a run as it is now. Several
 * changes in a row come as one. `event: reset` on `runs/stream` says that changes may have been missed: list again.
 */
export interface RunChange {
  readonly run: RunView;
}

/** `data:` of `event: end` of `GET /api/v1/runs/{id}/events`: the run has ended and every event so far was sent. Late ones may follow. */
export interface StreamEnd {
  readonly runId: string;
  readonly lastSeq: number;
}

/** One agent of `GET /api/v1/agents` (an array, the latest active first). */
export interface AgentRow {
  readonly agentId: string;
  readonly runs: number;
  readonly lastStartedAtMs: number;
  /** Never a dry run. */
  readonly lastRun: RunView | null;
}

/** One session of `GET /api/v1/sessions` (an array, the latest active first), from the newest 500 runs that belong to one. */
export interface SessionRow {
  readonly sessionId: string;
  readonly runs: number;
  readonly agentIds: readonly string[];
  readonly firstStartedAtMs: number;
  readonly lastStartedAtMs: number;
  readonly errors: number;
  /** `null` when the cost of any of its runs is unknown (I12). */
  readonly costNanoUsd: number | null;
  /** What is known of it: at least so much. */
  readonly costKnownNanoUsd: number;
}

/** Body of `POST /api/v1/runs/{id}/annotations` and `PUT /api/v1/runs/{id}/annotations/{annotationId}`. Absent fields are `null`. */
export interface AnnotationInput {
  readonly kind: Annotation['kind'];
  readonly stepId?: string | null;
  readonly name?: string | null;
  readonly value?: number | string | null;
  readonly author?: string | null;
}

/** A key as it is listed: nothing of its secret. */
export type WireKey = ApiKey;

/** A key just made, with its text, which is told once. */
export interface WireNewKey {
  readonly key: WireKey;
  readonly text: string;
}

/** A project. */
export type WireProject = Project;

/** Who is asking, and whether a key is needed. */
export interface WireAccess {
  readonly isSignedIn: boolean;
  readonly isKeyRequired: boolean;
  readonly projectId: string | null;
  readonly keyId: string | null;
  readonly scopes: readonly Scope[];
}
