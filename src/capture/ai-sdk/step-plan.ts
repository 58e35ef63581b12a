import type { ContextMark } from '../../core/model/step.ts';
import type { StepStart } from '../../core/record/recording.ts';
import type { Operation } from './map/operation.ts';
import { toPlainRequest } from './map/operation.ts';
import type { AskedOptions } from './map/request.ts';
import { joinPrompt, partMarks, partToolMarks, toOptions, toProvider, toRequest } from './map/request.ts';
import type { Withheld } from './map/response.ts';
import { createRecall } from './recall.ts';
import type { CallSettings, Fields, OperationStart, StepStartEvent } from './sdk-events.ts';
import { toFields } from './sdk-events.ts';

/** A model step about to begin. */
export interface StepPlan {
  readonly number: number;
  readonly provider?: string;
  readonly modelId?: string;
  /** The operation, where only the model call itself knows it. */
  readonly operation?: string;
  readonly messages?: readonly unknown[];
  readonly marks?: readonly ContextMark[];
  readonly tools?: readonly unknown[];
  readonly toolMarks?: readonly ContextMark[];
  readonly asked?: AskedOptions;
  /** The request of a call that is no list of messages. */
  readonly request?: unknown;
}

/** Makes plans of the SDK's events, giving what repeats from step to step the identity it had. */
export interface Planner {
  of(event: StepStartEvent, settings: CallSettings, responseFormat: unknown): StepPlan;
}

/** The first message of a conversation as the caller holds it: the same object at every step and, often, every turn. */
function conversationKey(messages: unknown): object | null {
  return Array.isArray(messages) ? toFields((messages as unknown[])[0]) : null;
}

/** A planner that remembers the conversations it has seen for as long as their callers do. */
export function createPlanner(): Planner {
  const messages = createRecall();
  const tools = createRecall();
  return {
    of(event, settings, responseFormat) {
      const given = Array.isArray(event.promptMessages)
        ? (event.promptMessages as unknown[])
        : joinPrompt(event.instructions, event.messages);
      const parted = partMarks(given);
      const stepTools = Array.isArray(event.stepTools) ? (event.stepTools as unknown[]) : [];
      const partedTools = partToolMarks(stepTools);
      return {
        number: event.stepNumber ?? 0,
        provider: event.provider,
        modelId: event.modelId,
        messages: messages.of(conversationKey(event.messages), parted.messages),
        marks: parted.marks,
        tools: tools.of(toFields(event.tools), partedTools.tools),
        toolMarks: partedTools.marks,
        asked: {
          settings,
          toolChoice: event.stepToolChoice,
          responseFormat,
          providerOptions: event.providerOptions,
        },
      };
    },
  };
}

/** The plan of a call that is no list of messages: an embedding, a reranking, speech. */
export function toPlainPlan(event: Fields, start: OperationStart): StepPlan {
  const { provider, modelId } = event as OperationStart;
  const asked = { settings: start, providerOptions: start.providerOptions };
  return { number: 0, provider, modelId, request: toPlainRequest(event), asked };
}

/** What the recorder is told of a step that begins. */
export function planToStart(
  plan: StepPlan,
  call: { readonly operation: Operation; readonly withheld: Withheld; readonly parentStepId: string | undefined },
): StepStart {
  const provider = toProvider(plan.provider);
  const operation = plan.operation ?? call.operation.operation;
  const options = plan.asked === undefined ? {} : toOptions(plan.asked);
  const request = plan.request ?? toRequest(plan.asked?.responseFormat);
  const metadata = {
    ...(provider === plan.provider ? {} : { sdkProvider: plan.provider }),
    ...(plan.toolMarks === undefined || plan.toolMarks.length === 0 ? {} : { toolMarks: plan.toolMarks }),
  };
  const hasMarks = plan.marks !== undefined && plan.marks.length > 0;
  const inputs = {
    messages: plan.messages,
    ...(hasMarks ? { contextMarks: plan.marks } : {}),
    tools: plan.tools,
    request,
  };
  return {
    kind: 'model',
    ...(operation === null ? {} : { operation }),
    ...(provider === undefined ? {} : { provider }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(plan.modelId === undefined ? {} : { model: plan.modelId }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(call.parentStepId === undefined ? {} : { parentStepId: call.parentStepId }),
    ...(call.withheld.inputs ? { inputsWithheld: true } : inputs),
  };
}
