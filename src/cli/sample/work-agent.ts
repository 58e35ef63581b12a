import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentRegistration } from '../../runtime/index.ts';

// The agent of `tachograph worker --sample`: slow enough that a person can kill its worker in the middle, and see another
// one go on where it was.

/** The name that its runs are created with. */
export const sampleAgentId = 'parcel-desk';

/** What a sample run is given. */
export interface SampleInput {
  readonly parcels?: number;
  /** How long each step takes; 3 seconds unless said. */
  readonly stepMs?: number;
}

const stepMsDefault = 3000;

/** Looks a claim up, checks its parcels one by one, and writes one letter, which must never be sent twice. */
export const sampleAgent: AgentRegistration = {
  version: 'sample-1',
  tools: [
    { name: 'look_up_claim', class: 'read', environments: [], synthetic: null },
    { name: 'send_letter', class: 'destructive', environments: [], synthetic: '{"sent":"letter-0"}' },
  ],
  async run({ input, attempt }, context) {
    const { parcels = 4, stepMs = stepMsDefault } = input as SampleInput;
    const claim = await context.tool(
      'look_up_claim',
      { claim: '4417' },
      async () => {
        await sleep(stepMs, undefined, { signal: context.signal });
        return { claim: '4417', parcels };
      },
      { class: 'read' },
    );
    const notes: string[] = [];
    for (let parcel = 1; parcel <= claim.parcels; parcel += 1) {
      const note = await context.step(`check parcel ${parcel}`, async () => {
        await sleep(stepMs, undefined, { signal: context.signal });
        return `parcel ${parcel} was opened and closed again (seen in attempt ${attempt})`;
      });
      notes.push(note);
    }
    const letter = await context.tool(
      'send_letter',
      { lines: notes.length },
      async (_args, { idempotencyKey }) => ({ sent: `letter-${idempotencyKey.slice(0, 8)}` }),
      { class: 'destructive' },
    );
    return { ...letter, notes };
  },
};
