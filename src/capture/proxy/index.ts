export type { ClientVariables } from './client-variables.ts';
export { toClientVariables } from './client-variables.ts';
export { markRecorded } from './mark.ts';
export type { RecordingProxy, RecordingProxyOptions } from './proxy.ts';
export { createRecordingProxy } from './proxy.ts';
export { proxyPath } from './target.ts';
export type { Upstream } from './upstreams.ts';
export { knownUpstreams, parseUpstream } from './upstreams.ts';
