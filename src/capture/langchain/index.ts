/**
 * Records LangChain and LangGraph: runs, nodes, model steps and tool calls, by a callback handler; in a whole process by
 * LangChain's configure hook.
 */
export type { LangChainOptions } from './capture.ts';
export { installLangChain, tachographHandler } from './capture.ts';
export type { LangChainHandler } from './handler.ts';
