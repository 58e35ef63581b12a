import type { Clock } from '../../core/clock.ts';
import type { StepStart } from '../../core/record/recording.ts';
import { setBounded } from '../spans/bounded.ts';
import type { SpanBook } from '../spans/span-book.ts';
import type { ModelCall } from './model-call.ts';
import { createModelCall } from './model-call.ts';
import type { Outcome } from './outcome.ts';
import type { Withheld } from './shape.ts';
import { spanToRunStart } from './shape.ts';
import { spanUsageToUsage } from './usage.ts';
import type { Fields, MastraSpan } from './vendor.ts';
import { toFields, toList, toText } from './vendor.ts';

/*
 * A generation of Mastra is a loop of model calls and tools:
 *
 *   setInferenceContext ─ startInference ─► call leaves ─► chunks … step-finish ─► tools ─► (again)
 *
 * Its calls are told by hand, in the loop's own time; its chunks and its spans only as fast as somebody reads the
 * answer. So calls are queued, and chunks go to the oldest one without its `step-finish`. Chunks with no call behind
 * them repeat an answer: after a suspension, or from a cache. They are no call, and are counted as none.
 */

/** What a generation lives in. */
export interface GenerationSurroundings {
  readonly book: SpanBook;
  readonly clock: Clock;
  /** Answers whose end is told in another run, once it is resumed. By the run id of Mastra. */
  readonly suspended: Map<string, ModelCall>;
}

/** One generation under way. */
export interface Generation {
  /** The latest of what Mastra said of it. */
  span: MastraSpan;
  /** Its calls are told by the tracker; spans then only repeat them. */
  isTracked: boolean;
  /** The latest call, whether it has ended or not. */
  readonly latest: ModelCall | null;
  /** A further turn of the loop begins: a call that is begun in the same turn takes the place of one that failed. */
  turn(): void;
  /** The next start of an inference is a call that leaves, made with these settings. */
  prepare(context: Fields): void;
  /** Begins the prepared call; does nothing when none is. */
  begin(): ModelCall | null;
  addChunk(chunk: unknown): void;
  /** Ends the oldest call as a span of its inference tells it. */
  endBySpan(span: MastraSpan): void;
  /** Ends the calls that nobody ended, by how the run came out. */
  settle(outcome: Outcome): void;
}

/** Parameters that are no words to the model, or that the attempt has. */
const unsaid = new Set(['headers', 'abortSignal', 'maxRetries', 'timeout']);

function toOptions(context: Fields): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(toFields(context['parameters']) ?? {}))
    if (value !== undefined && !unsaid.has(name)) options[name] = value;
  for (const name of ['toolChoice', 'responseFormat', 'providerOptions'])
    if (context[name] !== undefined) options[name] = context[name];
  return options;
}

/** The tools of the generation that this call was given. */
function toTools(attributes: Fields, context: Fields): readonly unknown[] {
  const names = context['availableTools'];
  const all = toList(attributes['tools']);
  return Array.isArray(names) ? all.filter((tool) => names.includes(toFields(tool)?.['name'])) : all;
}

function toStart(span: MastraSpan, context: Fields, withheld: Withheld, messages: readonly unknown[]): StepStart {
  const attributes = toFields(span.attributes) ?? {};
  const provider = toText(attributes['provider']);
  const model = toText(attributes['model']);
  const options = toOptions(context);
  const tools = toTools(attributes, context);
  return {
    kind: 'model',
    operation: 'generate',
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(withheld.inputs ? { inputsWithheld: true } : { messages, ...(tools.length === 0 ? {} : { tools }) }),
  };
}

/** A generation that begins. `withheld` is asked at each call. */
export function createGeneration(of: GenerationSurroundings, span: MastraSpan, withheld: Withheld): Generation {
  const { book, clock, suspended } = of;
  const queue: ModelCall[] = [];
  let prepared: Fields | null = null;
  let count = 0;
  let inTurn: ModelCall | null = null;
  let next: readonly unknown[] | null = null;

  const mastraRunId = (): string | undefined => toText(toFields(generation.span.metadata)?.['runId']);

  /** The call that asked for a tool which ran only now, after the run was resumed. */
  const calledBefore = (type: string): ModelCall | undefined =>
    type === 'tool-result' || type === 'tool-error' ? suspended.get(mastraRunId() ?? '') : undefined;

  /** Where an answer is repeated, its end belongs to the call that made it; without that call it is only noted. */
  const repeat = (payload: Fields): void => {
    const id = mastraRunId();
    const call = id === undefined ? undefined : suspended.get(id);
    if (id !== undefined && call !== undefined) {
      suspended.delete(id);
      call.step.finish(call.toFinish(payload));
      next = call.nextPrompt();
      return;
    }
    const { stepResult, output } = payload;
    book.find(generation.span.id)?.run.log('answer-repeated', { stepResult, usage: toFields(output)?.['usage'] });
  };

  const end = (call: ModelCall, finish: Parameters<SpanBook['finish']>[1]): void => {
    next = call.nextPrompt();
    book.finish(call.id, finish);
  };

  /** The model of this turn's call failed before it said anything, and another one is asked. */
  const giveUp = (call: ModelCall): void => {
    const at = queue.indexOf(call);
    if (at === -1) return;
    queue.splice(at, 1);
    call.sawError(new Error('the call failed, and another model was asked'));
    book.finish(call.id, call.toSettled({ kind: 'ended' }));
  };

  const generation: { -readonly [K in keyof Generation]: Generation[K] } = {
    span,
    isTracked: false,
    latest: null,
    turn: () => void (inTurn = null),
    prepare: (context) => void (prepared = context),
    begin() {
      if (prepared === null) return null;
      const context = prepared;
      prepared = null;
      if (inTurn !== null) giveUp(inTurn);
      count += 1;
      const id = `${span.id}/${count}`;
      // What Mastra knows of the conversation before the call leaves; what it adds to it is told with the answer.
      const messages = next ?? generation.latest?.prompt ?? toList(toFields(span.input)?.['messages']);
      const shape = { as: 'step', start: toStart(generation.span, context, withheld, messages) } as const;
      const lone = spanToRunStart(span, { inputs: true, outputs: true });
      const step = book.begin({ id, parentId: span.id, shape, lone })?.ownStep ?? null;
      if (step === null) return null;
      if (withheld.inputs || withheld.outputs) step.withhold(withheld);
      const call = createModelCall({ id, step, clock, withheld, messages });
      generation.latest = inTurn = call;
      queue.push(call);
      return call;
    },
    addChunk(chunk) {
      const fields = toFields(chunk);
      const type = toText(fields?.['type']);
      const payload = toFields(fields?.['payload']);
      if (type === undefined || payload === null) return;
      const call = queue[0];
      if (type !== 'step-finish') return (call ?? calledBefore(type))?.addChunk(type, payload);
      queue.shift();
      if (call === undefined) repeat(payload);
      else end(call, call.toFinish(payload));
    },
    endBySpan(inference) {
      const call = queue[0];
      const attributes = toFields(inference.attributes) ?? {};
      const reason = attributes['finishReason'];
      if (call === undefined || typeof reason !== 'string') return;
      queue.shift();
      const output = toFields(inference.output) ?? {};
      if (typeof output['text'] === 'string') call.addChunk('text-delta', { text: output['text'] });
      for (const tool of toList(output['toolCalls'])) call.addChunk('tool-call', toFields(tool) ?? {});
      const metadata = { modelId: attributes['responseModel'], id: attributes['responseId'] };
      const payload = { stepResult: { reason, warnings: attributes['warnings'] }, metadata };
      end(call, call.toFinish(payload, spanUsageToUsage(attributes['usage'])));
    },
    settle(outcome) {
      for (const call of queue.splice(0)) {
        const id = mastraRunId();
        if (outcome.kind === 'suspended' && id !== undefined) setBounded(suspended, [id, call]);
        end(call, call.toSettled(outcome));
      }
    },
  };
  return generation;
}
