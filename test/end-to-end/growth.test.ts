import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { contextsOf, hasTrajectories, readTrajectories } from './trajectories.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

function journalBytes(): number {
  const folder = join(place.home, 'journal', 'default');
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

const bytesOf = (values: readonly unknown[]): number =>
  values.reduce<number>((sum, value) => sum + Buffer.byteLength(JSON.stringify(value)), 0);

/** What a step costs beside its new words: events, ids, headers, and the last piece of the body before. */
const stepBytesMax = 2560;
/** New words come twice, as messages and as pieces of the request body; ids of pieces add a part of that. */
const wordsFactor = 2.2;

describe.skipIf(!hasTrajectories)('real transcripts re-enacted, step n sending all messages so far (I5)', () => {
  for (const trajectory of hasTrajectories ? readTrajectories() : []) {
    it(`${trajectory.name}: bytes grow with new messages only, and every context reads back`, async () => {
      const recorder = place.recorder();
      const run = recorder.startRun({ agentId: 'replayed' });
      const contexts = contextsOf(trajectory);
      let before = journalBytes();
      let known = 0;
      for (const { messages, answer } of contexts) {
        // Copies, as an agent makes that builds each request anew: what is known must be known by its bytes.
        const sent = messages.map((message) => ({ ...message }));
        const fresh = [...messages.slice(known), answer];
        const step = run.step({ kind: 'model', operation: 'generate', model: 'm', messages: sent });
        const body = JSON.stringify({ model: 'm', messages: sent });
        const attempt = step.attempt({
          method: 'POST',
          url: 'https://api.example.com/v1/chat',
          body: { data: body, contentType: 'application/json' },
        });
        attempt.finish({ status: 'completed', responseStatus: 200 });
        step.finish({ status: 'completed', response: [answer] });
        const after = journalBytes();
        expect(after - before).toBeLessThanOrEqual(wordsFactor * bytesOf(fresh) + stepBytesMax);
        before = after;
        known = messages.length;
      }
      run.close({ endReason: 'ok' });
      await recorder.close();

      const home = await openTachograph({ home: place.home });
      try {
        await home.indexer.catchUp();
        const steps = await home.store.listSteps('default', run.id);
        expect(steps).toHaveLength(contexts.length);
        for (const [index, step] of steps.entries()) {
          const contents = await home.store.readContext('default', run.id, step.contextNodeId!);
          expect(contents.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as unknown)).toEqual(
            contexts[index]!.messages,
          );
        }
        expect((await home.verify(run.id)).intact.verdict).toBe('intact');
      } finally {
        await home.close();
      }
    });
  }
});
