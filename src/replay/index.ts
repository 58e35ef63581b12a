/** Replays recorded runs: models and tools that answer from a recording, and requests over HTTP. */
export type { Comparer, ModelRequest } from './comparison.ts';
export type { Divergence, Gap } from './divergence.ts';
export type { FixtureOptions, ModelCapture, ReplayFixture } from './fixture.ts';
export { openReplayFixture } from './fixture.ts';
export type { HttpAnswer, HttpReplay, HttpReplayOptions, HttpRequest } from './http-replay.ts';
export { createHttpReplay } from './http-replay.ts';
export type { RecordedRun } from './recorded-run.ts';
export { entriesToRun, openRunFile, openStoredRun } from './recorded-run.ts';
export type { ReplayAnswer, ReplayModel, ReplayModelOptions, ReplayOptions, StandIn } from './replay-model.ts';
export { replayModel } from './replay-model.ts';
export { replayTools } from './replay-tools.ts';
