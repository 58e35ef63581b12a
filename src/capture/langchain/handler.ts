import type { SpanBook } from '../spans/span-book.ts';
import type { Ends } from './ends.ts';
import type { ModelSteps } from './model-steps.ts';
import type { Started, Starts } from './starts.ts';
import type { VendorMessage, VendorResult, VendorSerialized, VendorStreamEvent } from './vendor.ts';
import { toFields } from './vendor.ts';

// LangChain calls a handler in two ways. Every handler is awaited, in a flow of its own:
//
//   await manager.handleChatModelStart(…) ──► handler.handleChatModelStart     its async scope ends here
//
// A handler that keeps a map of runs, as tracers do, is also called straight from the flow that makes the call:
//
//   manager.handleChatModelStart(…) ──► handler._createRunForChatModelStart ──► … ──► fetch
//
// The second is where a step begins: what is written there is written before the call leaves (I3), and the scope that is
// entered there is the call's own. The first is the fallback for a LangChain that knows no tracers.

type Tags = string[] | undefined;
type Meta = Record<string, unknown> | undefined;

/** A callback handler for `callbacks: [handler]` of any runnable, model, tool or graph of LangChain. */
export interface LangChainHandler {
  /** One name for all: a second handler of this name is not added to what one already records. */
  readonly name: 'tachograph';
  readonly awaitHandlers: true;
  readonly raiseError: false;
  readonly ignoreLLM: false;
  readonly ignoreChain: false;
  readonly ignoreAgent: false;
  readonly ignoreRetriever: false;
  readonly ignoreCustomEvent: false;
  copy(): LangChainHandler;
  handleChainStart(
    chain: VendorSerialized,
    inputs: Record<string, unknown>,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Meta,
    runType?: string,
    runName?: string,
    extra?: Record<string, unknown>,
  ): void;
  handleChainEnd(
    outputs: unknown,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    more?: { inputs?: Record<string, unknown> },
  ): void;
  handleChainError(error: unknown, runId: string): void;
  handleChatModelStart(
    model: VendorSerialized,
    messages: VendorMessage[][],
    runId: string,
    parentRunId?: string,
    extra?: Record<string, unknown>,
    tags?: Tags,
    metadata?: Meta,
    runName?: string,
  ): void;
  handleLLMStart(
    model: VendorSerialized,
    prompts: string[],
    runId: string,
    parentRunId?: string,
    extra?: Record<string, unknown>,
    tags?: Tags,
    metadata?: Meta,
    runName?: string,
  ): void;
  handleLLMNewToken(
    token: string,
    indices: unknown,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    fields?: { chunk?: unknown },
  ): void;
  handleChatModelStreamEvent(event: VendorStreamEvent, runId: string): void;
  handleLLMEnd(result: VendorResult, runId: string, parentRunId?: string, tags?: Tags, extra?: unknown): void;
  handleLLMError(error: unknown, runId: string): void;
  handleToolStart(
    tool: VendorSerialized,
    input: string,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Meta,
    runName?: string,
    toolCallId?: string,
  ): void;
  handleToolEnd(output: unknown, runId: string): void;
  handleToolError(error: unknown, runId: string): void;
  handleRetrieverStart(
    retriever: VendorSerialized,
    query: string,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Meta,
    runName?: string,
  ): void;
  handleRetrieverEnd(documents: unknown, runId: string): void;
  handleRetrieverError(error: unknown, runId: string): void;
  handleCustomEvent(eventName: string, data: unknown, runId: string): void;
}

/** What LangChain calls from the flow of the call itself. No part of what users see. */
interface TracerMethods {
  _addRunToRunMap(): void;
  _createRunForChainStart(...args: Parameters<LangChainHandler['handleChainStart']>): void;
  _createRunForChatModelStart(...args: Parameters<LangChainHandler['handleChatModelStart']>): void;
  _createRunForLLMStart(...args: Parameters<LangChainHandler['handleLLMStart']>): void;
  _createRunForToolStart(...args: Parameters<LangChainHandler['handleToolStart']>): void;
  _createRunForRetrieverStart(...args: Parameters<LangChainHandler['handleRetrieverStart']>): void;
}

/** A handler over what has been begun and ended. Nothing that it is told of throws into LangChain (I1). */
export function createHandler(parts: {
  readonly book: SpanBook;
  readonly starts: Starts;
  readonly ends: Ends;
  readonly models: ModelSteps;
}): LangChainHandler {
  const { book, starts, ends, models } = parts;
  const started = (
    component: unknown,
    ids: readonly [string, string | undefined],
    more: Pick<Started, 'tags' | 'metadata' | 'name'>,
  ): Started => ({ id: ids[0], parentId: ids[1], component, ...more });

  const handler: LangChainHandler & TracerMethods = {
    name: 'tachograph',
    awaitHandlers: true,
    raiseError: false,
    ignoreLLM: false,
    ignoreChain: false,
    ignoreAgent: false,
    ignoreRetriever: false,
    ignoreCustomEvent: false,
    copy: () => handler,
    handleChainStart: (chain, inputs, id, parent, tags, metadata, _runType, name, extra) =>
      starts.chain(started(chain, [id, parent], { tags, metadata, name }), inputs, extra),
    handleChainEnd: (outputs, id, _parent, _tags, more) => ends.chain(id, outputs, toFields(more)?.['inputs']),
    handleChainError: (error, id) => ends.chainError(id, error),
    handleChatModelStart: (model, messages, id, parent, extra, tags, metadata, name) =>
      starts.chatModel(started(model, [id, parent], { tags, metadata, name }), messages[0], extra),
    handleLLMStart: (model, prompts, id, parent, extra, tags, metadata, name) =>
      starts.textModel(started(model, [id, parent], { tags, metadata, name }), prompts, extra),
    handleLLMNewToken: (token, _indices, id, _parent, _tags, fields) =>
      models.token(id, token, toFields(fields)?.['chunk']),
    handleChatModelStreamEvent: (event, id) => models.event(id, event),
    handleLLMEnd: (result, id, _parent, _tags, extra) => ends.model(id, result, extra),
    handleLLMError: (error, id) => ends.modelError(id, error),
    handleToolStart: (tool, input, id, parent, tags, metadata, name, callId) =>
      starts.tool(started(tool, [id, parent], { tags, metadata, name }), input, callId),
    handleToolEnd: (output, id) => ends.tool(id, output),
    handleToolError: (error, id) => ends.toolError(id, error),
    handleRetrieverStart: (retriever, query, id, parent, tags, metadata, name) =>
      starts.retriever(started(retriever, [id, parent], { tags, metadata, name }), query),
    handleRetrieverEnd: (documents, id) => ends.retriever(id, documents),
    handleRetrieverError: (error, id) => ends.retrieverError(id, error),
    handleCustomEvent: (eventName, data, id) => void book.guard(() => book.find(id)?.run.log(eventName, data)),
    _addRunToRunMap: () => undefined,
    _createRunForChainStart: (...args) => handler.handleChainStart(...args),
    _createRunForChatModelStart: (...args) => handler.handleChatModelStart(...args),
    _createRunForLLMStart: (...args) => handler.handleLLMStart(...args),
    _createRunForToolStart: (...args) => handler.handleToolStart(...args),
    _createRunForRetrieverStart: (...args) => handler.handleRetrieverStart(...args),
  };
  return handler;
}
