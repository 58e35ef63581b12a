import { z } from 'zod';
import { scopes } from '../../core/access/key.ts';
import { projectModes, projectStatuses } from '../../core/access/project.ts';
import { count, ms, maybeMs } from '../schema/scalar.ts';
import type { WireAccess, WireKey, WireNewKey, WireProject } from '../wire.ts';

/** One of the closed list of scopes. */
export const scope = z.enum(scopes);

/** A key as it is listed. */
export const apiKey = z
  .strictObject({
    id: z.string(),
    projectId: z.string(),
    name: z.string(),
    scopes: z.array(scope),
    createdAtMs: ms,
    expiresAtMs: maybeMs,
    revokedAtMs: maybeMs,
  })
  .meta({ id: 'ApiKey' }) satisfies z.ZodType<WireKey>;

/** A key just made: the only time its text is told. */
export const newKey = z
  .strictObject({ key: apiKey, text: z.string().describe('The key itself. It is not shown again.') })
  .meta({ id: 'NewApiKey' }) satisfies z.ZodType<WireNewKey>;

/** A project. */
export const project = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    status: z.enum(projectStatuses),
    mode: z.enum(projectModes),
    canaryPercent: z.int().nullable(),
    retentionDays: z.int().nullable(),
    createdAtMs: ms,
  })
  .meta({ id: 'Project' }) satisfies z.ZodType<WireProject>;

/** Who is asking. */
export const access = z
  .strictObject({
    isSignedIn: z.boolean(),
    isKeyRequired: z.boolean(),
    projectId: z.string().nullable(),
    keyId: z.string().nullable(),
    scopes: z.array(scope),
  })
  .meta({ id: 'Access' }) satisfies z.ZodType<WireAccess>;

/** What a new key is asked for with. */
export const keyInput = z.strictObject({
  name: z.string().min(1).max(200),
  scopes: z.array(scope).min(1),
  expiresAtMs: ms.nullable().optional(),
});

/** How long the old secret of a rotated key still works. */
export const rotation = z.strictObject({ overlapSeconds: count.max(30 * 86_400).optional() });

/** What may be changed of a project by its own key. Whether it is suspended is the server's business. */
export const projectInput = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  mode: z.enum(projectModes).optional(),
  canaryPercent: z.int().min(0).max(100).nullable().optional(),
  retentionDays: z.int().min(0).max(3650).nullable().optional(),
});
