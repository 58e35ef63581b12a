export type { CaptureOptions } from './capture.ts';
export type { InstallOptions } from './install.ts';
export { installAgents } from './install.ts';
export { recordModel, recordModelProvider } from './model.ts';
export type { ProcessorOptions } from './processor.ts';
export { tachographProcessor } from './processor.ts';
export type { AgentsSdk, Model, ModelProvider, TracingProcessor } from './vendor.ts';
