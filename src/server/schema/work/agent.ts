import { z } from 'zod';
import { toolClasses } from '../../../core/work/agent.ts';
import type { AgentInput, ScheduleInput, WireAgent, WireSchedule } from '../../wire-work.ts';
import { fields, maybeMs, ms, name } from '../scalar.ts';

const short = z.string().min(1, 'must not be empty').max(512, 'must be at most 512 characters long');

const tool = z
  .strictObject({
    name: z.string(),
    class: z.enum(toolClasses).nullable().describe('null: not said; in doubt it is destructive.'),
    environments: z.array(z.string()),
    synthetic: name.describe('JSON text that stands in for its result in a rehearsal.'),
  })
  .meta({ id: 'RegisteredTool' });

/** An agent as it is registered. */
export const wireAgent = z
  .strictObject({
    agentId: z.string(),
    tools: z.array(tool),
    runsMax: z.int().min(1).nullable(),
    handlerVersion: name,
    updatedAtMs: ms,
  })
  .meta({ id: 'RegisteredAgent' }) satisfies z.ZodType<WireAgent>;

/** An agent on its way in. */
export const agentInput = z
  .strictObject({
    tools: z
      .array(
        z.strictObject({
          name: short,
          class: z.enum(toolClasses).nullable().optional(),
          environments: z.array(short).max(32).optional(),
          synthetic: z.string().max(16_000).nullable().optional(),
        }),
      )
      .max(500)
      .optional(),
    runsMax: z.int().min(1).max(100_000).nullable().optional(),
  })
  .meta({ id: 'AgentInput' }) satisfies z.ZodType<AgentInput>;

/** When runs are created by themselves. */
export const wireSchedule = z
  .strictObject({
    id: z.string(),
    agentId: z.string(),
    cron: z.string(),
    timeZone: z.string(),
    isPaused: z.boolean(),
    nextAtMs: maybeMs,
    lastAtMs: maybeMs,
    createdAtMs: ms,
  })
  .meta({ id: 'Schedule' }) satisfies z.ZodType<WireSchedule>;

/** A schedule on its way in. */
export const scheduleInput = z
  .strictObject({
    agentId: short,
    cron: short.describe('Five or six fields, or a name as @hourly.'),
    timeZone: short.optional().describe('IANA name; UTC unless said.'),
    isPaused: z.boolean().optional(),
    request: fields.optional().describe('What every run of it is created with besides: input, labels, and the like.'),
  })
  .meta({ id: 'ScheduleInput' }) satisfies z.ZodType<ScheduleInput>;
