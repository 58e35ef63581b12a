// A program that asks for runs: every event so many times, all at once. It prints what it was answered.
import process from 'node:process';
import type { Sabotage } from './sabotage.ts';
import { openSite } from './site.ts';

/** What it is told by WORK_ORDERS. */
export interface CreatorOrders {
  readonly home: string;
  readonly database: string | null;
  readonly events: number;
  readonly times: number;
  readonly sabotage?: Sabotage;
}

const orders = JSON.parse(process.env['WORK_ORDERS'] ?? '{}') as CreatorOrders;
const site = await openSite(orders, orders.sabotage === undefined ? {} : { sabotage: orders.sabotage });
const asked = Array.from({ length: orders.events * orders.times }, (_each, index) => `event-${index % orders.events}`);
const answers = await Promise.all(
  asked.map(async (event) => {
    const request = { agentId: 'count', channelType: 'mail', providerEventId: event, input: { event } };
    return { event, ...(await site.runs.create('default', request)) };
  }),
);
process.stdout.write(JSON.stringify(answers));
await site.close();
