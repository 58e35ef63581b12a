import type { StepFinish } from '../../core/record/recording.ts';
import type { OpenSpan } from '../spans/span.ts';
import type { SpanBook } from '../spans/span-book.ts';
import { toNodeResult, toRunOutput } from './chain-shape.ts';
import { toPlain } from './map/message.ts';
import { isCalledOff, thrownToEndReason } from '../spans/abort.ts';
import { isBubbleUp, toInterrupts } from './map/outcome.ts';
import { resultToFinish, toolCallIdsOf } from './map/response.ts';
import { toToolResult } from './map/tool.ts';
import type { ModelSteps } from './model-steps.ts';
import type { ToolOrigins } from './tool-origins.ts';
import { toFields } from './vendor.ts';

/** Ends what LangChain says is over. Does nothing for an id that was never begun. */
export interface Ends {
  /** `inputs` are those of a chain that could not tell them when it began. */
  chain(id: string, outputs: unknown, inputs: unknown): void;
  chainError(id: string, error: unknown): void;
  model(id: string, result: unknown, extra: unknown): void;
  modelError(id: string, error: unknown): void;
  tool(id: string, output: unknown): void;
  toolError(id: string, error: unknown): void;
  retriever(id: string, documents: unknown): void;
  retrieverError(id: string, error: unknown): void;
}

/** How a step ends that something was thrown out of; a node left on purpose has done its part. */
function errorToFinish(error: unknown): StepFinish {
  const interrupts = toInterrupts(error);
  if (interrupts !== undefined) return { status: 'interrupted', metadata: { interrupts } };
  if (isBubbleUp(error)) return { status: 'completed' };
  return { status: isCalledOff(error) ? 'interrupted' : 'error', error };
}

/** The ends of one book of spans. */
export function createEnds(book: SpanBook, models: ModelSteps, origins: ToolOrigins): Ends {
  const withSpan = (id: string, fn: (span: OpenSpan) => void): void =>
    void book.guard(() => {
      const span = book.find(id);
      if (span !== null) fn(span);
    });

  return {
    chain: (id, outputs, inputs) =>
      withSpan(id, ({ ownsRun, ownStep, run }) => {
        if (ownStep !== null) return book.finish(id, { status: 'completed', ...resultOf(toNodeResult(outputs)) });
        if (!ownsRun) return book.drop(id);
        if (inputs !== undefined) run.log('inputs', toPlain(inputs));
        models.leave(run);
        book.close(id, { endReason: 'ok', output: toRunOutput(outputs) });
      }),
    chainError: (id, error) =>
      withSpan(id, ({ ownsRun, ownStep, run }) => {
        const interrupts = toInterrupts(error);
        if (ownStep !== null) {
          if (interrupts !== undefined) run.log('interrupt', interrupts);
          return book.finish(id, errorToFinish(error));
        }
        if (!ownsRun) return book.drop(id);
        models.leave(run);
        book.close(id, isBubbleUp(error) ? { endReason: 'ok' } : { endReason: thrownToEndReason(error), error });
      }),
    model: (id, result, extra) =>
      withSpan(id, ({ run, ownStep }) => {
        const finish = resultToFinish(result, toFields(extra)?.['cached'] === true);
        if (ownStep !== null) origins.note(run.id, ownStep.id, toolCallIdsOf(finish));
        models.end(id, finish);
      }),
    modelError: (id, error) => void book.guard(() => models.fail(id, error)),
    tool: (id, output) =>
      withSpan(id, () => {
        const { result, isFailed } = toToolResult(output);
        if (isFailed) book.finish(id, { status: 'error', resultStatus: 'error', result, error: result });
        else book.finish(id, { status: 'completed', resultStatus: 'success', result });
      }),
    toolError: (id, error) =>
      withSpan(id, ({ run }) => {
        const finish = errorToFinish(error);
        const interrupts = toInterrupts(error);
        if (interrupts !== undefined) run.log('interrupt', interrupts);
        book.finish(id, finish.status === 'error' ? { ...finish, resultStatus: 'error' } : finish);
      }),
    retriever: (id, documents) =>
      withSpan(id, () => book.finish(id, { status: 'completed', result: toPlain(documents) })),
    retrieverError: (id, error) => withSpan(id, () => book.finish(id, errorToFinish(error))),
  };
}

const resultOf = (result: unknown): { result?: unknown } => (result === undefined ? {} : { result });
