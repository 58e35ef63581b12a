import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** What a tool does in a test besides answering. */
export interface Doing {
  /** Run inside the handler of `nested`. */
  nested?(): Promise<unknown>;
}

const text = (words: string): { content: { type: 'text'; text: string }[] } => ({
  content: [{ type: 'text', text: words }],
});
const numbers = { a: z.number(), b: z.number() };
const sum = ({ a, b }: { a: number; b: number }): ReturnType<typeof text> => text(String(a + b));
const fail = (): never => {
  throw new Error('it is broken');
};
const form = { type: 'object' as const, properties: { sure: { type: 'boolean' as const } }, required: ['sure'] };

async function forever(signal: AbortSignal): Promise<ReturnType<typeof text>> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return text('too late');
}

/** A server of the 2.x packages: adds, fails, never ends, asks back. */
export function buildServer(doing: Doing = {}): McpServer {
  const server = new McpServer({ name: 'calculator', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('add', { description: 'Adds', inputSchema: z.object(numbers) }, async (both) => sum(both));
  server.registerTool('broken', {}, async () => fail());
  server.registerTool('slow', {}, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken !== undefined)
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, message: 'begun' },
      });
    return forever(mcpReq.signal);
  });
  server.registerTool('confirm', { inputSchema: z.object({ what: z.string() }) }, async ({ what }, { mcpReq }) => {
    const given = acceptedContent<{ sure: boolean }>(mcpReq.inputResponses, 'sure');
    if (given !== undefined) return text(`${what}: ${String(given.sure)}`);
    return inputRequired({
      inputRequests: { sure: inputRequired.elicit({ message: 'Sure?', requestedSchema: form }) },
    });
  });
  server.registerTool('nested', {}, async () => {
    await doing.nested?.();
    return text('done');
  });
  return server;
}

/** The same server on the 1.x package. It also asks the client for a model's answer. */
export function buildOldServer(doing: Doing = {}): OldServer {
  const server = new OldServer({ name: 'calculator', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('add', { description: 'Adds', inputSchema: numbers }, async (both) => sum(both));
  server.registerTool('broken', {}, async () => fail());
  server.registerTool('slow', {}, async ({ signal, _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken;
    if (progressToken !== undefined)
      await sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, message: 'begun' },
      });
    return forever(signal);
  });
  server.registerTool('confirm', { inputSchema: { what: z.string() } }, async ({ what }, { requestId }) => {
    const asked = { message: 'Sure?', requestedSchema: form };
    const { content } = await server.server.elicitInput(asked, { relatedRequestId: requestId });
    return text(`${what}: ${String(content?.['sure'])}`);
  });
  server.registerTool('think', {}, async (extra) => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'why?' } }];
    const asked = {
      messages,
      maxTokens: 50,
      systemPrompt: 'be short',
      modelPreferences: { hints: [{ name: 'small' }] },
    };
    const { content } = await server.server.createMessage(asked, { relatedRequestId: extra.requestId });
    return text((content as { text: string }).text);
  });
  server.registerTool('nested', {}, async () => {
    await doing.nested?.();
    return text('done');
  });
  return server;
}
