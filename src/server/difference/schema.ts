import { z } from 'zod';
import { comparedFields } from '../../core/difference/step-keys.ts';
import { stepStatuses } from '../../core/model/step.ts';
import { runView } from '../schema/run.ts';
import { count, maybeCount, maybeMs, name, nano } from '../schema/scalar.ts';
import type { RunDifference, StepDifference } from '../wire.ts';

const deltas = { inputTokens: maybeCount, outputTokens: maybeCount, costNanoUsd: nano, durationMs: maybeMs };

const stepBrief = z.strictObject({
  number: count,
  kind: z.enum(['model', 'tool', 'phase']),
  operation: name,
  name,
  model: name,
  status: z.enum(stepStatuses),
  preview: name,
  ...deltas,
});

/** Two runs, side by side. */
export const runDifference = z
  .strictObject({
    a: runView,
    b: runView,
    isSame: z.boolean(),
    rows: z.array(
      z.strictObject({
        a: stepBrief.nullable(),
        b: stepBrief.nullable(),
        differs: z.array(z.enum(comparedFields)),
        delta: z.strictObject(deltas),
      }),
    ),
    firstAt: maybeCount,
    delta: z.strictObject({ steps: z.int(), ...deltas }),
  })
  .meta({ id: 'RunDifference' }) satisfies z.ZodType<RunDifference>;

const change = { path: z.string(), before: name, after: name };
const message = z.strictObject({ index: count, role: z.string(), text: z.string() });

/** Two steps, word for word. */
export const stepDifference = z
  .strictObject({
    messages: z
      .strictObject({
        shared: count,
        lengthA: count,
        lengthB: count,
        rows: z.array(
          z.strictObject({
            a: message.nullable(),
            b: message.nullable(),
            changes: z.array(z.strictObject(change)),
          }),
        ),
      })
      .nullable(),
    changes: z.array(z.strictObject({ field: z.enum(comparedFields), ...change })),
  })
  .meta({ id: 'StepDifference' }) satisfies z.ZodType<StepDifference>;
