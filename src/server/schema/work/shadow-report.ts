import { z } from 'zod';
import { endReasons } from '../../../core/model/run.ts';
import { toolClasses } from '../../../core/work/agent.ts';
import { classSources } from '../../../core/work/shadow/tool-class.ts';
import type { ShadowReport } from '../../wire-work.ts';
import { count, id, maybeMs, name, nano } from '../scalar.ts';

const keptTool = z
  .strictObject({
    tool: z.string(),
    class: z.enum(toolClasses).nullable(),
    classSource: z.enum(classSources).nullable(),
    blockReason: name,
    calls: count,
    runs: count,
    arguments: z.array(
      z.strictObject({
        inputDigest: name,
        calls: count,
        args: name.describe('The arguments as recorded, cut.'),
        runId: id,
        stepNumber: count,
        journalSeq: count.nullable(),
      }),
    ),
    argumentsLeftOut: count,
  })
  .meta({ id: 'KeptTool' });

const side = z
  .strictObject({
    runs: count,
    steps: count,
    modelSteps: count,
    toolSteps: count,
    errors: count,
    ends: z.partialRecord(z.enum([...endReasons, 'open']), count),
    costNanoUsd: nano,
    costKnownNanoUsd: z.number(),
    durationP50Ms: maybeMs,
    durationP90Ms: maybeMs,
  })
  .meta({ id: 'SideFigures' });

const perRun = z.number().nullable();

/** What runs in shadow would have done. */
export const shadowReport = z
  .strictObject({
    projectId: z.string(),
    agentId: name,
    sinceMs: maybeMs,
    untilMs: maybeMs,
    wouldHaveDone: z.array(keptTool).describe('Calls that live would have been made.'),
    blocked: z.array(keptTool).describe('Calls that would have been kept from their tools live too.'),
    unknown: z.array(z.strictObject({ tool: z.string(), calls: count })),
    shadow: side,
    live: side,
    tools: z.array(
      z.strictObject({
        tool: z.string(),
        shadowCalls: count,
        liveCalls: count,
        shadowPerRun: perRun,
        livePerRun: perRun,
      }),
    ),
    isCut: z.boolean().describe('There are more runs in the range than were read: the newest are reported.'),
  })
  .meta({ id: 'ShadowReport' }) satisfies z.ZodType<ShadowReport>;
