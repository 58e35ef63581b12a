import { z } from 'zod';
import { contentKinds } from '../../core/content/content.ts';
import type {
  AgentRow,
  Annotation,
  AnnotationInput,
  ErasureResult,
  RunDetail,
  RunPage,
  RunSeals,
  RunTree,
  SearchPage,
  SessionRow,
  Stats,
  StepDetail,
  VolumeBucket,
  WireVerdict,
} from '../wire.ts';
import { attemptView } from './attempt.ts';
import { wireContent, wirePart } from './content.ts';
import { wireEvent } from './event.ts';
import { runView } from './run.ts';
import { anything, count, id, maybeCount, maybeMs, ms, name, nano } from './scalar.ts';
import { stepView } from './step.ts';
import { usage } from './usage.ts';

const annotationKinds = ['score', 'note', 'label', 'pin'] as const;

/** A page of runs. */
export const runPage = z
  .strictObject({
    items: z.array(runView),
    nextCursor: name,
    limit: count,
    limitCorrected: z.boolean(),
    total: maybeCount,
  })
  .meta({ id: 'RunPage' }) satisfies z.ZodType<RunPage>;

/** An annotation. */
export const annotation = z
  .strictObject({
    id: z.string(),
    runId: id,
    stepId: id.nullable(),
    kind: z.enum(annotationKinds),
    name,
    value: z.union([z.number(), z.string()]).nullable(),
    author: name,
    createdAtMs: ms,
    updatedAtMs: ms,
  })
  .meta({ id: 'Annotation' }) satisfies z.ZodType<Annotation>;

const short = z.string().max(200, 'must be at most 200 characters long').nullable().optional();

/** An annotation on its way in. */
export const annotationInput = z
  .strictObject({
    kind: z.enum(annotationKinds, `must be one of ${annotationKinds.join(', ')}`),
    stepId: z.string().max(64).nullable().optional(),
    name: short,
    value: z
      .union([z.number(), z.string().max(10_000)], 'must be a number, or text of at most 10,000 characters')
      .nullable()
      .optional(),
    author: short,
  })
  .meta({ id: 'AnnotationInput' }) satisfies z.ZodType<AnnotationInput>;

/** A run in full. */
export const runDetail = z
  .strictObject({
    run: runView,
    inputs: wireContent.nullable(),
    output: wireContent.nullable(),
    environment: anything,
    chain: z.array(z.strictObject({ id, agentId: z.string(), name })),
    annotations: z.array(annotation),
    gaps: z.array(wireEvent),
    childCost: z.strictObject({ runs: count, costNanoUsd: nano, costKnownNanoUsd: z.number() }),
  })
  .meta({ id: 'RunDetail' }) satisfies z.ZodType<RunDetail>;

/** A step in full. */
export const stepDetail = z
  .strictObject({
    step: stepView,
    args: wireContent.nullable(),
    request: wireContent.nullable(),
    response: wireContent.nullable(),
    responseParts: z.array(wirePart),
    result: wireContent.nullable(),
    attempts: z.array(attemptView),
    childRuns: z.array(runView),
  })
  .meta({ id: 'StepDetail' }) satisfies z.ZodType<StepDetail>;

/** A run with its child runs. */
export const runTree: z.ZodType<RunTree> = z
  .strictObject({
    run: runView,
    steps: z.array(stepView),
    get children() {
      return z.array(runTree);
    },
    cut: z.boolean(),
  })
  .meta({ id: 'RunTree' });

/** Both verdicts. */
export const wireVerdict = z
  .strictObject({
    intact: z.strictObject({
      verdict: z.enum(['intact', 'edited', 'truncated', 'missing', 'bad-signature', 'unsealed', 'no-events']),
      writerId: name,
      n: maybeCount,
      message: z.string(),
      erased: count,
    }),
    complete: z.strictObject({
      verdict: z.enum(['complete', 'incomplete']),
      openSteps: count,
      openAttempts: count,
      gaps: count,
      lost: count,
      closed: z.boolean(),
      message: z.string(),
    }),
    seals: count,
    events: count,
    publicKey: name,
  })
  .meta({ id: 'WireVerdict' }) satisfies z.ZodType<WireVerdict>;

/** Seals of a run. */
export const runSeals = z
  .strictObject({
    seals: z.array(
      z.strictObject({
        number: count,
        projectId: z.string(),
        timeMs: ms,
        events: count,
        erased: count,
        publicKey: z.string(),
        fingerprint: z.string(),
        digest: z.string(),
        from: z.enum(['here', 'origin']),
      }),
    ),
    origin: z.strictObject({ projectId: z.string(), fingerprint: z.string() }).nullable(),
  })
  .meta({ id: 'RunSeals' }) satisfies z.ZodType<RunSeals>;

/** What an erasure did. */
export const erasureResult = z
  .strictObject({ runs: count, events: count, contents: count, shared: count })
  .meta({ id: 'ErasureResult' }) satisfies z.ZodType<ErasureResult>;

/** What an erasure by caller or session did. */
export const subjectErasure = z
  .strictObject({
    runs: count,
    events: count,
    contents: count,
    shared: count,
    openRunIds: z.array(id).describe('Runs that have not ended and keep their words: end them, and erase again.'),
  })
  .meta({ id: 'SubjectErasure' });

/** Full-text hits. */
export const searchPage = z
  .strictObject({
    items: z.array(
      z.strictObject({
        runId: id,
        stepId: id.nullable(),
        kind: z.enum([...contentKinds, 'error']),
        contentId: name,
        snippet: z.string(),
        timeMs: ms,
        rank: z.number(),
        run: runView.nullable(),
        stepNumber: maybeCount,
      }),
    ),
  })
  .meta({ id: 'SearchPage' }) satisfies z.ZodType<SearchPage>;

/** Totals by group. */
export const stats = z
  .strictObject({
    by: z.enum(['model', 'agent', 'day']),
    rows: z.array(
      z.strictObject({
        key: z.string(),
        runs: count,
        steps: count,
        errors: count,
        errorRate: maybeCount,
        usage,
        costNanoUsd: nano,
        costKnownNanoUsd: z.number(),
        durationP50Ms: maybeMs,
        durationP90Ms: maybeMs,
        durationP99Ms: maybeMs,
      }),
    ),
  })
  .meta({ id: 'Stats' }) satisfies z.ZodType<Stats>;

/** One bucket of volume. */
export const volumeBucket = z
  .strictObject({ startMs: ms, runs: count, errors: count, costNanoUsd: nano, costKnownNanoUsd: nano })
  .meta({ id: 'VolumeBucket' }) satisfies z.ZodType<VolumeBucket>;

/** An agent. */
export const agentRow = z
  .strictObject({ agentId: z.string(), runs: count, lastStartedAtMs: ms, lastRun: runView.nullable() })
  .meta({ id: 'AgentRow' }) satisfies z.ZodType<AgentRow>;

/** A session. */
export const sessionRow = z
  .strictObject({
    sessionId: z.string(),
    runs: count,
    agentIds: z.array(z.string()),
    firstStartedAtMs: ms,
    lastStartedAtMs: ms,
    errors: count,
    costNanoUsd: nano,
    costKnownNanoUsd: z.number(),
  })
  .meta({ id: 'SessionRow' }) satisfies z.ZodType<SessionRow>;
