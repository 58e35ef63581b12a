/** The wire's shapes, types only: the one thing that the viewer and the server share. */
export type * from '../../../src/server/wire.ts';
