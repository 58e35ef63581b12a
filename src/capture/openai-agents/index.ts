export type { CaptureOptions } from './capture.ts';
export { hookAgents, recordAgents } from './install.ts';
export { recordModel, recordModelProvider } from './model.ts';
export type { ProcessorOptions } from './processor.ts';
export { tachographProcessor } from './processor.ts';
export type { AgentsSdk, Model, ModelProvider, TracingProcessor } from './vendor.ts';
