import { isAbort } from '../../core/record/failure.ts';
import type { StepFinish, StepRecorder } from '../../core/record/recording.ts';
import { toCancelled, toClosed, toRpcError, toToolError, withoutWords } from './failure.ts';
import type { Direction, Side } from './options.ts';
import type { Place } from './place.ts';
import { isWithheld } from './place.ts';
import { samplingToFinish, samplingToStart } from './sampling.ts';
import type { Answer, Fields, Request } from './vendor.ts';
import { metaOf, toFields, toJson, toText } from './vendor.ts';

// A request as a step. Its start is in the journal before the message goes on (I3).
//
//   tools/call                       tool step; a phase where its place says that the tool step is there already
//   sampling/createMessage, sent     model step: to whoever asks, the other end is the model
//   sampling/createMessage, received phase: the handler's own call of a model, inside it, is the model step
//   everything else                  phase, with the parameters as request and the result as result

/** Requests that stay open for as long as their asker wants to hear; the connection's end is their good end. */
const endless = new Set(['subscriptions/listen']);

/** A request under way. */
export interface Call {
  /** Of the message under way: a call that went on after an `input_required` has its newest. */
  readonly id: unknown;
  readonly request: Request;
  readonly direction: Direction;
  /** What progress is told under. */
  readonly token: unknown;
  readonly step: StepRecorder;
  /** Not answered yet; also while it waits for the input that its answer asked for. */
  readonly isOpen: boolean;
  /** Runs `fn` in the scope of what this call is: of its own step, or of the tool step it is a part of. */
  within<T>(fn: () => T): T;
  answer(answer: Answer): void;
  /** The message could not be sent. */
  fail(error: unknown): void;
  /** Its own side gave it up. */
  cancel(reason: unknown): void;
  /** Its connection ended. */
  close(): void;
  log(type: string, data: unknown): void;
  /** Takes the request that carries the input asked for; true when it continues this call. */
  resume(request: Request): boolean;
}

/** What a call is begun with. */
export interface CallStart {
  readonly request: Request;
  readonly place: Place;
  readonly direction: Direction;
  readonly side: Side;
}

function toMetadata({ request, direction, side }: CallStart): Fields {
  const { id, params } = request;
  const version = toText(metaOf(params)['io.modelcontextprotocol/protocolVersion']);
  const shown = typeof id === 'number' || typeof id === 'string' ? { id } : {};
  return { mcp: { side, direction, ...shown, ...(version === null ? {} : { protocolVersion: version }) } };
}

function beginStep(start: CallStart): StepRecorder {
  const { request, place, direction } = start;
  const { params, method } = request;
  const isBlank = isWithheld(place);
  const around = {
    metadata: toMetadata(start),
    ...(place.above === null ? {} : { parentStepId: place.above.id }),
    ...(isBlank ? { inputsWithheld: true } : {}),
  };
  if (method === 'tools/call' && !place.isCarried) {
    const name = toText(params['name']) ?? '';
    return place.run.tool({ name, ...(isBlank ? {} : { args: params['arguments'] ?? null }), ...around });
  }
  if (method === 'sampling/createMessage' && direction === 'sent')
    return place.run.step({ ...samplingToStart(isBlank ? {} : params), ...around });
  return place.run.step({ kind: 'phase', name: method, ...(isBlank ? {} : { request: params }), ...around });
}

function withholdWords({ result, response, error, ...rest }: StepFinish): StepFinish {
  return { ...rest, outputsWithheld: true, ...(error == null ? {} : { error: withoutWords(error) }) };
}

function toFinish({ request }: Call, { kind }: StepRecorder, { result, error }: Answer): StepFinish {
  const ended = (status: 'success' | 'error'): object => (kind === 'tool' ? { resultStatus: status } : {});
  if (error !== null || result === undefined) {
    const said = error ?? {};
    const data = said['data'] === undefined ? {} : { result: { error: said } };
    return { status: 'error', error: toRpcError(said), ...data, ...ended('error') };
  }
  const fields = toFields(result);
  if (request.method === 'tools/call' && fields?.['isError'] === true)
    return { status: 'error', error: toToolError(fields), result, ...ended('error') };
  if (kind === 'model') return samplingToFinish(result);
  return { status: 'completed', result, ...ended('success') };
}

/** Begins a call at its place. */
export function beginCall(start: CallStart): Call {
  return new OpenCall(start);
}

class OpenCall implements Call {
  readonly request: Request;
  readonly direction: Direction;
  readonly step: StepRecorder;
  readonly #place: Place;
  #id: unknown;
  #token: unknown;
  #isOpen = true;
  /** Set while the call waits: the state to be echoed, and the inputs asked for, by their keys. */
  #waiting: { readonly state: unknown; readonly inputByKey: ReadonlyMap<string, StepRecorder> } | null = null;

  constructor(start: CallStart) {
    this.request = start.request;
    this.direction = start.direction;
    this.#id = start.request.id;
    this.#token = metaOf(start.request.params)['progressToken'];
    this.step = beginStep(start);
    this.#place = start.place;
    if (isWithheld(start.place)) this.step.withhold({ inputs: true, outputs: true });
    const responses = start.request.params['inputResponses'];
    if (responses !== undefined && this.step.kind === 'tool') this.log('input-responses', responses);
  }

  get id(): unknown {
    return this.#id;
  }

  get token(): unknown {
    return this.#token;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  within<T>(fn: () => T): T {
    const { above, isCarried } = this.#place;
    return (above !== null && isCarried ? above : this.step).within(fn);
  }

  log(type: string, data: unknown): void {
    const said = isWithheld(this.#place) ? { withheld: true } : data;
    this.step.within(() => this.step.run.log(type, said));
  }

  answer(answer: Answer): void {
    const result = toFields(answer.result);
    if (result?.['resultType'] !== 'input_required') return this.#end(toFinish(this, this.step, answer));
    // Each leg is a whole call of the handler where it is received; to the side that asked, all legs are one call.
    if (this.direction === 'received')
      return this.#end({ status: 'completed', result, metadata: { mcpInputRequired: true } });
    this.#wait(result);
  }

  fail(error: unknown): void {
    this.#end({ status: isAbort(error) ? 'interrupted' : 'error', error, ...this.#failed() });
  }

  cancel(reason: unknown): void {
    if (endless.has(this.request.method)) this.#end({ status: 'completed' });
    else this.#end({ status: 'interrupted', error: toCancelled(reason), ...this.#failed() });
  }

  close(): void {
    if (endless.has(this.request.method)) this.#end({ status: 'completed' });
    else this.#end({ status: 'interrupted', error: toClosed(), ...this.#failed() });
  }

  resume(request: Request): boolean {
    if (this.#waiting === null || !this.#isSame(request)) return false;
    const responses = toFields(request.params['inputResponses']) ?? {};
    for (const [key, step] of this.#waiting.inputByKey) {
      const given = Object.hasOwn(responses, key);
      this.#finish(step, given ? { status: 'completed', result: responses[key] } : { status: 'interrupted' });
    }
    this.#waiting = null;
    this.#id = request.id;
    this.#token = metaOf(request.params)['progressToken'];
    return true;
  }

  #failed(): object {
    return this.step.kind === 'tool' ? { resultStatus: 'error' } : {};
  }

  #isSame({ method, params }: Request): boolean {
    const before = this.request;
    return (
      before.method === method &&
      params['requestState'] === this.#waiting?.state &&
      ['name', 'uri', 'arguments'].every((key) => toJson(params[key]) === toJson(before.params[key]))
    );
  }

  #wait(result: Fields): void {
    const inputByKey = new Map<string, StepRecorder>();
    for (const [key, value] of Object.entries(toFields(result['inputRequests']) ?? {})) {
      const asked = toFields(value) ?? {};
      const name = toText(asked['method']) ?? 'input';
      const words = isWithheld(this.#place)
        ? { inputsWithheld: true }
        : { request: { key, ...toFields(asked['params']) } };
      inputByKey.set(key, this.step.run.step({ kind: 'phase', name, ...words, parentStepId: this.step.id }));
    }
    this.#waiting = { state: result['requestState'], inputByKey };
  }

  #end(finish: StepFinish): void {
    this.#isOpen = false;
    for (const step of this.#waiting?.inputByKey.values() ?? []) step.finish({ status: 'interrupted' });
    this.#waiting = null;
    this.#finish(this.step, finish);
  }

  #finish(step: StepRecorder, finish: StepFinish): void {
    step.finish(isWithheld(this.#place) ? withholdWords(finish) : finish);
  }
}
