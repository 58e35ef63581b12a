import { createSafely } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { McpRecordOptions } from './options.ts';
import { recordTransport } from './record-transport.ts';
import type { McpServerLike, McpTransport } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** The name a server was made with. It is no public field, and where it is not found the handshake tells it. */
function nameOf(server: object): { agentId?: string } {
  const fields = toFields(server);
  const inner = toFields(fields?.['server']) ?? fields;
  const name = toText(toFields(inner?.['_serverInfo'])?.['name']);
  return name === null ? {} : { agentId: name };
}

/**
 * Records every connection of a server (`McpServer` or `Server`) by recording the transports it is connected to. For
 * servers whose transports are made by the SDK, one for each request: `createMcpHandler(() => recordServer(build(), recorder))`,
 * and `serveStdio` alike. Gives the same server back, its `connect` replaced; call it once for a server.
 */
export function recordServer<S extends McpServerLike>(
  server: S,
  recorder: Recorder,
  options: McpRecordOptions = {},
): S {
  if (!recorder.recording) return server;
  const safely = createSafely(options.onError);
  // Taken off on purpose and always called on its own server.
  const connect = server.connect as (transport: McpTransport, ...rest: unknown[]) => Promise<void>;
  Object.defineProperty(server, 'connect', {
    configurable: true,
    writable: true,
    value: (transport: McpTransport, ...rest: unknown[]): Promise<void> => {
      const recorded = recordTransport(transport, recorder, {
        ...safely(() => nameOf(server), {}),
        ...options,
        side: 'server',
      });
      return Reflect.apply(connect, server, [recorded, ...rest]);
    },
  });
  return server;
}
