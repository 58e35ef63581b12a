export type { Answering, Connection, Handler, HandlerOptions } from './handler.ts';
export { createHandler } from './handler.ts';
export type { News, RunNews } from './stream/feed.ts';
export type { Mount, Server, ServerOptions } from './server.ts';
export { createServer, isLoopback } from './server.ts';
export { findRun } from './reading/run-reference.ts';
export type { EraseRun, Exporter, TakeBatch } from './surroundings.ts';
