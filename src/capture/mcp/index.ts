/**
 * Records the Model Context Protocol, on the client's side, the server's, or both: a transport proxy that hears both
 * directions. Made for the packages of revision 2026-07-28 (2.x) and 2025-11-25 (`@modelcontextprotocol/sdk` 1.x).
 */
export type { McpRecordOptions, McpTransportOptions } from './options.ts';
export { recordServer } from './record-server.ts';
export { recordTransport } from './record-transport.ts';
export type { McpServerLike, McpTransport } from './vendor.ts';
