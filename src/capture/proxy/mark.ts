import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { Recorder } from '../../core/record/recording.ts';
import { recordedHeader } from './headers.ts';

/** A request of undici as its channel hands it over. */
interface ChannelRequest {
  readonly origin?: unknown;
  addHeader?(name: string, value: string): unknown;
}

/**
 * In a process that records itself and whose clients call through the proxy: a call inside a recorded model step says so to the
 * proxy, which passes it on without recording it again and takes the mark off. Requests to any other origin are left
 * as they are. The function given back ends it.
 */
export function markRecorded(recorder: Recorder, proxyUrl: string): () => void {
  const origin = URL.canParse(proxyUrl) ? new URL(proxyUrl).origin : null;
  const isOurs = (to: string): boolean => to === origin && recorder.currentStep()?.kind === 'model';
  const onUndici = (message: unknown): void => {
    const { request } = message as { request: ChannelRequest };
    if (isOurs(String(request.origin))) request.addHeader?.(recordedHeader, '1');
  };
  const onHttp = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    const to = `${request.protocol}//${String(request.getHeader('host') ?? request.host)}`;
    if (!request.headersSent && isOurs(to)) request.setHeader(recordedHeader, '1');
  };
  const subscriptions = [
    ['undici:request:create', onUndici],
    ['http.client.request.created', onHttp],
  ] as const;
  const guarded = subscriptions.map(([name, listener]) => {
    const safe = (message: unknown): void => {
      try {
        listener(message);
      } catch {
        // Without the mark the call is recorded twice, which harms nobody's program (I1).
      }
    };
    subscribe(name, safe);
    return [name, safe] as const;
  });
  return () => {
    for (const [name, safe] of guarded) unsubscribe(name, safe);
  };
}
