/**
 * Records the Vercel AI SDK: runs, model steps, attempts and tool calls. Version 7 by its telemetry interface; version 6
 * by the same process-wide list, which tells it less, and better with its models recorded; version 5 by its models and
 * tools.
 */
export type { AiSdkCapture, AiSdkCaptureOptions } from './capture.ts';
export { createAiSdkCapture, tachographTelemetry } from './capture.ts';
export type { AiSdkIntegration } from './integration.ts';
export type { MiddlewareCall, TachographMiddleware } from './model/middleware.ts';
export { tachographMiddleware } from './model/middleware.ts';
export type { RecordModelOptions } from './model/options.ts';
export { recordModel } from './model/record-model.ts';
export { recordTools } from './model/record-tools.ts';
