export type { CaptureLayer, FetchCapture, FetchCaptureOptions } from './capture.ts';
export { createFetchCapture } from './capture.ts';
export { providerHosts } from './hosts.ts';
export type { Ledger, LedgerOptions } from './ledger.ts';
export { ledgerOf } from './ledger.ts';
export type { Fetch, RecordingFetchOptions } from './recording-fetch.ts';
export { recordingFetch } from './recording-fetch.ts';
