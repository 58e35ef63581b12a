import type { FlushPlace, FlushReceipt, Journal } from '../../core/journal.ts';
import type { JournalOptions } from '../writer.ts';
import { createJournal } from '../writer.ts';
import { TachographError } from '../../core/error.ts';
import { keyToProject } from '../sink/delivery.ts';
import { openOutbox } from './outbox.ts';
import type { Shipper, ShipperOptions } from './shipper.ts';
import { createShipper } from './shipper.ts';

/** A journal whose records go to a server. */
export interface OutboxJournalOptions
  extends JournalOptions, Pick<ShipperOptions, 'url' | 'key' | 'fetch' | 'everyMs'> {}

/** How long a process that ends waits for its records to go. What is left stays on the disk for the next one. */
const closeMs = 2000;
const flushMsDefault = 10_000;

/**
 * A journal in the home's outbox, and what sends it. An append is as safe as in any journal, whether the server is there or
 * not; `flush({ to: 'server' })` resolves when all of it is on the server's disk. `home-unusable` when the outbox cannot be
 * written to; throws `TypeError` for a `url` that is none.
 */
export function createOutboxJournal(options: OutboxJournalOptions): { journal: Journal; shipper: Shipper } {
  const { url, key, fetch, everyMs, ...rest } = options;
  const outbox = openOutbox(options.home, url);
  const keyProject = keyToProject(key);
  if (keyProject !== null && keyProject !== options.projectId)
    options.onError?.(
      new TachographError(
        'batch-foreign',
        `These records are of the project ${JSON.stringify(options.projectId)} and the key is one of ${JSON.stringify(keyProject)}. ` +
          'They stay here until they are sent with a key of their own project (TACHOGRAPH_KEY, TACHOGRAPH_PROJECT).',
      ),
    );
  const journal = createJournal({ ...rest, home: outbox });
  const shipper = createShipper({
    outbox,
    url,
    key: key ?? null,
    ...(fetch === undefined ? {} : { fetch }),
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  });
  shipper.start();
  const flush = async (request?: { to?: FlushPlace; timeoutMs?: number }): Promise<FlushReceipt> => {
    if (request?.to !== 'server') {
      const receipt = await journal.flush({ ...request, to: 'durable' });
      // The index is the server's business.
      return request?.to === 'index' ? { ...receipt, state: 'timeout' } : receipt;
    }
    const timeoutMs = request.timeoutMs ?? flushMsDefault;
    await journal.flush({ to: 'durable', timeoutMs });
    void shipper.drain(timeoutMs);
    // In an outbox an acknowledgement is the server's: this asks for the files of this journal alone.
    const receipt = await journal.flush({ to: 'index', timeoutMs });
    return receipt.state === 'index' ? { ...receipt, state: 'server' } : receipt;
  };
  return {
    shipper,
    journal: {
      ...journal,
      flush,
      async close() {
        await journal.close();
        await shipper.drain(closeMs);
        await shipper.close();
      },
    },
  };
}
