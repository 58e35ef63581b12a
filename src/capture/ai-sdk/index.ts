/** Records the Vercel AI SDK: runs, model steps, attempts and tool calls, through its telemetry interface. */
export type { AiSdkCapture, AiSdkCaptureOptions } from './capture.ts';
export { createAiSdkCapture, tachographTelemetry } from './capture.ts';
export type { AiSdkIntegration } from './integration.ts';
