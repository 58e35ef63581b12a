import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { StepView } from '../../core/model/step.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { recordTransport } from './index.ts';
import type { Side } from './options.ts';

type Handler = ((message: never, extra?: never) => void) | undefined;

/** A transport of nobody's: keeps what is sent in a private field, hands on what a test receives. */
export class BareTransport {
  onmessage: Handler;
  onclose: (() => void) | undefined;
  onerror: ((error: Error) => void) | undefined;
  readonly #sent: unknown[] = [];
  refusal: unknown = null;

  get sent(): readonly unknown[] {
    return this.#sent;
  }
  async start(): Promise<void> {}
  async send(message: object, _options?: object): Promise<void> {
    this.#sent.push(message);
    if (this.refusal !== null) throw this.refusal;
  }
  async close(): Promise<void> {
    this.onclose?.();
  }
  receive(message: unknown, extra?: unknown): void {
    this.onmessage?.(message as never, extra as never);
  }
}

/** A recorded transport, what its host received, and what went wrong inside the recording. */
export interface BareStage {
  readonly recording: Recording;
  readonly bare: BareTransport;
  readonly transport: BareTransport;
  readonly received: readonly unknown[][];
  readonly faults: readonly unknown[];
}

/** A bare transport, recorded with a recorder of its own unless one is given. */
export function stage(side: Side = 'client', recorder?: Recorder): BareStage {
  const recording = createRecording();
  const bare = new BareTransport();
  const faults: unknown[] = [];
  const transport = recordTransport(bare, recorder ?? recording.recorder, {
    side,
    onError: (error) => faults.push(error),
  });
  const received: unknown[][] = [];
  transport.onmessage = (...args: unknown[]) => void received.push(args);
  transport.onclose = () => undefined;
  return { recording, bare, transport, received, faults };
}

/** A tool call. */
export const call = (id: unknown, name: unknown, args: unknown = {}): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});
/** Its result. */
export const answer = (id: unknown, result: unknown): object => ({ jsonrpc: '2.0', id, result });
/** Every step of a stage, in order. */
export const stepsOf = ({ recording }: BareStage): readonly StepView[] =>
  recording.runs().flatMap(({ steps }) => steps);
