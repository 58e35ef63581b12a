import { appendFileSync } from 'node:fs';
import type { LanguageModel, TelemetryOptions, ToolSet } from 'ai';
import { stepCountIs, tool, ToolLoopAgent } from 'ai';
import { z } from 'zod';

/** What the desk is made of. */
export interface SupportDeskParts {
  readonly model: LanguageModel;
  /** Asks the agent that knows the shop policy. */
  readonly askPolicy: (question: string) => Promise<string>;
  /** A file that gets a line for every parcel that is really sent; `null`: none is written. */
  readonly ledgerFile: string | null;
  /** Puts something between the agent and its tools. */
  readonly guard?: <T extends ToolSet>(tools: T) => T;
  readonly telemetry?: TelemetryOptions;
}

const orders: Readonly<Record<string, object>> = {
  '4417': { orderId: '4417', sku: 'LAMP-02', priceEur: 34.9, delivered: '2026-11-18', carrier: 'parcel' },
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function createTools({ askPolicy, ledgerFile }: SupportDeskParts) {
  return {
    look_up_order: tool({
      description: 'Finds an order by its number.',
      inputSchema: z.object({ orderId: z.string() }),
      execute: async ({ orderId }) => {
        await wait(180);
        return orders[orderId] ?? { orderId, error: 'not found' };
      },
    }),
    check_stock: tool({
      description: 'Says how many of an article are in stock.',
      inputSchema: z.object({ sku: z.string() }),
      execute: async ({ sku }) => {
        await wait(260);
        return { sku, inStock: 12 };
      },
    }),
    ask_policy: tool({
      description: 'Asks the agent that knows the shop policy.',
      inputSchema: z.object({ question: z.string() }),
      execute: ({ question }) => askPolicy(question),
    }),
    send_replacement: tool({
      description: 'Sends an article to the customer of an order, free of charge.',
      inputSchema: z.object({ orderId: z.string(), sku: z.string() }),
      execute: async ({ orderId, sku }) => {
        if (ledgerFile !== null) appendFileSync(ledgerFile, `${JSON.stringify({ orderId, sku })}\n`);
        await wait(120);
        return { orderId, sku, tracking: 'ZX-20931' };
      },
    }),
  };
}

/** The agent that answers customers. Of its tools one does something that cannot be undone. */
export function createSupportDesk(parts: SupportDeskParts) {
  const tools = createTools(parts);
  return new ToolLoopAgent({
    id: 'support-desk',
    model: parts.model,
    instructions: 'You are the support-desk of a lamp shop. Find out what happened before you promise anything.',
    tools: parts.guard?.(tools) ?? tools,
    stopWhen: stepCountIs(6),
    telemetry: { ...parts.telemetry, functionId: 'support-desk' },
  });
}
