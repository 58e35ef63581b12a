export type { MastraConfigOptions, MastraOptions } from './capture.ts';
export { tachographConfig, tachographExporter } from './capture.ts';
export type { MastraConfig, MastraEvent, MastraExporter, MastraSpan, MastraSpanProcessor } from './vendor.ts';
