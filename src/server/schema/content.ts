import { z } from 'zod';
import type { WireContent, WireContext, WirePart } from '../wire.ts';
import { anything, count, maybeCount, name } from './scalar.ts';

/** A typed part of a message or output. */
export const wirePart = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), text: z.string() }),
    z.strictObject({ type: z.literal('reasoning'), text: z.string() }),
    z.strictObject({ type: z.literal('tool-call'), callId: name, name: z.string(), args: anything }),
    z.strictObject({ type: z.literal('tool-result'), callId: name, name, result: anything, isError: z.boolean() }),
    z.strictObject({ type: z.literal('file'), mediaType: name, name, bytes: maybeCount, digest: name }),
    z.strictObject({ type: z.literal('source'), title: name, url: name }),
    z.strictObject({ type: z.literal('other'), value: anything }),
  ])
  .meta({ id: 'WirePart' }) satisfies z.ZodType<WirePart>;

/** A content. */
export const wireContent = z
  .strictObject({ contentId: z.string(), value: anything, raw: z.string(), bytes: count })
  .meta({ id: 'WireContent' }) satisfies z.ZodType<WireContent>;

const wireMessage = z.strictObject({
  index: count,
  contentId: z.string(),
  role: z.string(),
  parts: z.array(wirePart),
  raw: z.string(),
  isNew: z.boolean(),
  mark: anything,
});

/** A context. */
export const wireContext = z
  .strictObject({
    messages: z.array(wireMessage),
    tools: z.array(z.strictObject({ contentId: z.string(), name, description: name, raw: z.string() })),
    newFrom: count,
    length: count,
    missing: count,
  })
  .meta({ id: 'WireContext' }) satisfies z.ZodType<WireContext>;
