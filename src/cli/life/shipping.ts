import { TachographError } from '../../core/error.ts';
import type { ShipReport } from '../../journal/index.ts';
import { createShipper, openOutbox, serverUrl } from '../../journal/index.ts';

/** Where records of a home are sent to. */
export interface Shipping {
  readonly url: string;
  /** Sends what is in the outbox, as long as it takes headway or until the time is up. */
  drain(limitMs?: number): Promise<{ isAll: boolean; report: ShipReport }>;
}

const drainMs = 30_000;

/**
 * The shipping of a home, by TACHOGRAPH_URL and TACHOGRAPH_KEY; `null` when records stay here. Throws `bad-argument` for a URL
 * that is none.
 */
export function openShipping(
  home: string,
  variables: Readonly<Record<string, string | undefined>>,
  onError: (error: unknown) => void,
): Shipping | null {
  const url = serverUrl(variables);
  if (url === null) return null;
  if (!URL.canParse(url))
    throw new TachographError(
      'bad-argument',
      `TACHOGRAPH_URL is ${JSON.stringify(url)}; give the address of a server, such as https://records.example.`,
    );
  const outbox = openOutbox(home, url);
  return {
    url,
    async drain(limitMs = drainMs) {
      const shipper = createShipper({ outbox, url, key: variables['TACHOGRAPH_KEY'] ?? null, onError });
      const isAll = await shipper.drain(limitMs);
      const report = shipper.report();
      await shipper.close();
      return { isAll, report };
    },
  };
}
