import type { StepStart } from '../../core/record/recording.ts';
import type { OpenSpan, SpanShape } from '../spans/span.ts';
import type { SpanBook } from '../spans/span-book.ts';
import { sessionOf, toChainShape } from './chain-shape.ts';
import { createMessageRecall } from './map/recall.ts';
import { classOf, modelOf, toModelStart } from './map/request.ts';
import { toToolArgs, toToolName } from './map/tool.ts';
import type { ModelSteps } from './model-steps.ts';
import type { ToolOrigins } from './tool-origins.ts';
import { toFields, toText } from './vendor.ts';

/** What LangChain says of every component that begins. */
export interface Started {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly component: unknown;
  readonly tags: unknown;
  readonly metadata: unknown;
  readonly name: unknown;
}

/** Begins what LangChain announces. Announced again, what has begun is left as it is. */
export interface Starts {
  chain(of: Started, inputs: unknown, extra: unknown): void;
  chatModel(of: Started, messages: unknown, extra: unknown): void;
  textModel(of: Started, prompts: unknown, extra: unknown): void;
  tool(of: Started, input: unknown, callId: unknown): void;
  retriever(of: Started, query: unknown): void;
}

/** The beginnings of one book of spans. */
export function createStarts(book: SpanBook, models: ModelSteps, origins: ToolOrigins): Starts {
  const recall = createMessageRecall();

  const begin = (of: Started, shape: SpanShape, model?: string): OpenSpan | null => {
    const lone = {
      agentId: 'langchain',
      name: toText(of.name) ?? classOf(of.component) ?? 'langchain',
      capture: 'langchain',
      ...(model === undefined ? {} : { model }),
      ...sessionOf(of.metadata),
    };
    return book.begin({ id: of.id, parentId: of.parentId ?? null, shape, lone });
  };

  const isNew = ({ id }: Started): boolean => book.find(id) === null;

  const beginModel = (of: Started, messages: readonly unknown[], extra: unknown): void => {
    const call = { messages, extra, metadata: of.metadata };
    const name = toText(of.name) ?? classOf(of.component);
    const start: StepStart = { ...toModelStart(call), ...(name === undefined ? {} : { name }) };
    const span = begin(of, { as: 'step', start }, modelOf(call));
    if (span !== null) models.begin(span, messages);
  };

  const guarded =
    <A extends unknown[]>(fn: (of: Started, ...rest: A) => void) =>
    (of: Started, ...rest: A): void =>
      void book.guard(() => {
        if (isNew(of)) fn(of, ...rest);
      });

  return {
    chain: guarded((of, inputs: unknown, extra: unknown) => {
      const { component: chain, tags, metadata, name } = of;
      const hasParent = book.find(of.parentId) !== null;
      const isDeferred = toFields(extra)?.['lc_defers_inputs'] === true;
      const shape = toChainShape({ chain, inputs, tags, metadata, name, isDeferred }, hasParent);
      // What a node calls in other ways than LangChain's hangs on it too.
      begin(of, shape)?.ownStep?.enter();
    }),
    chatModel: guarded((of, messages: unknown, extra: unknown) => beginModel(of, recall.of(messages), extra)),
    textModel: guarded((of, prompts: unknown, extra: unknown) => {
      const list = Array.isArray(prompts) ? prompts : [prompts];
      const messages = list.map((text: unknown) => ({ role: 'user', content: [{ type: 'text', text }] }));
      beginModel(of, messages, extra);
    }),
    tool: guarded((of, input: unknown, callId: unknown) => {
      const parent = book.find(of.parentId);
      const asked = parent === null ? undefined : origins.find(parent.run.id, callId);
      const tool = begin(of, {
        as: 'tool',
        start: {
          name: toToolName(of.name, of.component),
          args: toToolArgs(input),
          ...(typeof callId === 'string' ? { callId } : {}),
          ...(asked === undefined ? {} : { parentStepId: asked }),
        },
      });
      // A tool that nothing of LangChain is around may begin in its caller's own flow, which goes on beside it.
      if (parent !== null) tool?.ownStep?.enter();
    }),
    retriever: guarded((of, query: unknown) => {
      const name = toText(of.name) ?? classOf(of.component) ?? 'retriever';
      begin(of, { as: 'step', start: { kind: 'phase', operation: 'retrieve', name, request: { query } } });
    }),
  };
}
