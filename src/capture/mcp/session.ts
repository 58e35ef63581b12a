import type { RunRecorder } from '../../core/record/recording.ts';
import type { Call } from './call.ts';
import { beginCall } from './call.ts';
import type { CallBook } from './call-book.ts';
import { createCallBook } from './call-book.ts';
import type { Handshake } from './handshake.ts';
import { holdHandshake, isHandshake } from './handshake.ts';
import type { Home } from './home.ts';
import { createHome } from './home.ts';
import type { Connection, Direction } from './options.ts';
import type { Place } from './place.ts';
import { findCarrier, isWithheld, placeIn, placeUnder } from './place.ts';
import type { Answer, Fields, Message, Notification, Request } from './vendor.ts';
import { parseMessages, serverNameOf, toFields, toText, traceIdOf } from './vendor.ts';

/** A message on its way past. */
export interface Passage {
  /** Runs the message's way on in the scope it belongs to. */
  within<T>(fn: () => T): T;
  /** The message did not get out. */
  failed(error: unknown): void;
}

/** One connection, as its messages tell it. Nothing in here ever changes, holds or drops a message. */
export interface Session {
  passing(direction: Direction, message: unknown, options?: unknown): Passage;
  /** The connection is over. */
  closed(): void;
}

/** Calls that wait for input at once; of more, the oldest is taken for given up. */
const waitingMax = 1000;

const through: Passage = { within: (fn) => fn(), failed: () => undefined };

const opposite = (direction: Direction): Direction => (direction === 'sent' ? 'received' : 'sent');

/** A session of a transport. Its methods may throw; who calls them guards (I1). */
export function createSession(options: Connection, transportId: () => unknown): Session {
  return new OpenSession(options, transportId);
}

class OpenSession implements Session {
  readonly #options: Connection;
  readonly #home: Home;
  readonly #books: Record<Direction, CallBook> = { sent: createCallBook(), received: createCallBook() };
  /** Calls that wait for input and whose next leg has not come. */
  readonly #waiting = new Set<Call>();
  #handshake: Handshake | null = null;

  constructor(options: Connection, transportId: () => unknown) {
    this.#options = options;
    const isBusy = (run: RunRecorder): boolean => this.#openCalls().some(({ step }) => step.run === run);
    this.#home = createHome(options, { transportId, isBusy });
  }

  passing(direction: Direction, message: unknown, options?: unknown): Passage {
    const messages = parseMessages(message);
    const given = toFields(options);
    if (messages.length === 1) return this.#pass(direction, messages[0]!, given);
    const passages = messages.map((each) => this.#pass(direction, each, given));
    // A batch has no scope of its own: its messages go on together.
    return { within: through.within, failed: (error) => passages.forEach((passage) => passage.failed(error)) };
  }

  closed(): void {
    this.#recordHandshake(null);
    const open = this.#openCalls();
    for (const call of open) {
      call.close();
      this.#books[call.direction].remove(call);
    }
    this.#waiting.clear();
    this.#home.close(open.some(({ step }) => step.status === 'interrupted') ? 'interrupted' : 'ok');
  }

  #openCalls(): Call[] {
    return [...this.#books.sent.open, ...this.#books.received.open, ...this.#waiting];
  }

  #pass(direction: Direction, message: Message, options: Fields | null): Passage {
    if (message.type === 'request') return this.#passRequest(direction, message, options);
    if (message.type === 'answer') return this.#passAnswer(direction, message);
    return this.#passNotification(direction, message, options);
  }

  #passRequest(direction: Direction, request: Request, options: Fields | null): Passage {
    if (isHandshake(request) && this.#isUnnamed(direction)) {
      this.#recordHandshake(null);
      this.#handshake = holdHandshake(request);
      return { within: through.within, failed: (error) => this.#recordHandshake(null, error) };
    }
    const book = this.#books[direction];
    const call = (direction === 'sent' ? this.#resumed(request) : null) ?? this.#begin(direction, request, options);
    book.add(call);
    if (direction === 'sent') this.#followSignal(call, options?.['requestSignal']);
    return {
      within: (fn) => call.within(fn),
      failed: (error) => {
        book.remove(call);
        if (call.isOpen) call.fail(error);
      },
    };
  }

  #passAnswer(direction: Direction, answer: Answer): Passage {
    const held = this.#handshake;
    const isToOpening = direction === (this.#options.side === 'client' ? 'received' : 'sent');
    if (held !== null && isToOpening && held.request.id === answer.id) {
      this.#home.name(serverNameOf(answer.result));
      this.#recordHandshake(answer);
      return through;
    }
    const call = this.#books[opposite(direction)].take(answer.id);
    if (call === null) {
      const { id } = answer;
      const outcome = answer.error === null ? 'result' : 'error';
      this.#log('unmatched-answer', { direction, id: typeof id === 'object' ? null : id, outcome });
      return through;
    }
    call.answer(answer);
    if (!call.isOpen) return through;
    // It asks for input: what the answer sets off, handlers and the next leg, belongs to the call.
    this.#wait(call);
    return { within: (fn) => call.within(fn), failed: through.failed };
  }

  #passNotification(direction: Direction, { method, params }: Notification, options: Fields | null): Passage {
    const data = { direction, ...(Object.keys(params).length === 0 ? {} : { params }) };
    if (method === 'notifications/cancelled') {
      const call = this.#books[direction].take(params['requestId']);
      if (call === null) this.#log(method, data);
      else {
        call.log(method, data);
        call.cancel(params['reason']);
      }
      return through;
    }
    const call = this.#callOfNotification(direction, params, options);
    // The end of a handshake says nothing by itself: a server without sessions would have a run for nothing else.
    if (call === null && method === 'notifications/initialized' && !this.#hasRun()) return through;
    if (call === null) this.#log(method, data);
    else call.log(method, data);
    return call !== null && direction === 'received'
      ? { within: (fn) => call.within(fn), failed: through.failed }
      : through;
  }

  #callOfNotification(direction: Direction, params: Fields, options: Fields | null): Call | null {
    const asked = this.#books[opposite(direction)];
    return asked.findByToken(params['progressToken']) ?? this.#relatedCall(direction, options);
  }

  /**
   * The call of the other direction that a message belongs to, where it can be told: by the id its sender names, and for
   * what a server sends while it works on a call, by the scope, or because only one call is open. It is never guessed
   * among several.
   */
  #relatedCall(direction: Direction, options: Fields | null): Call | null {
    const asked = this.#books[opposite(direction)];
    const related = options?.['relatedRequestId'];
    if (related !== undefined) return asked.find(related);
    const { recorder, side } = this.#options;
    if ((side === 'client') !== (direction === 'received')) return null;
    const step = recorder.currentStep();
    for (const call of asked.open) if (call.step === step) return call;
    return direction === 'received' && asked.open.size === 1 ? asked.open.values().next().value! : null;
  }

  #begin(direction: Direction, request: Request, options: Fields | null): Call {
    const place = this.#place(direction, request, options);
    return beginCall({ request, place, direction, side: this.#options.side });
  }

  #place(direction: Direction, request: Request, options: Fields | null): Place {
    const { recorder, side } = this.#options;
    if (request.method === 'tools/call') {
      const carrier = findCarrier(recorder, toText(request.params['name']) ?? '');
      if (carrier !== null) return placeUnder(carrier, true);
    }
    const related = this.#relatedCall(direction, options);
    if (related !== null) return placeUnder(related.step);
    const given = this.#givenRun();
    if (given !== null) return placeIn(recorder, given);
    this.#recordHandshake(null);
    return placeIn(
      recorder,
      this.#home.run(side === 'server' && direction === 'received' ? traceIdOf(request.params) : null),
    );
  }

  /** The run that was given, or on a client's side the open one in scope. */
  #givenRun(): RunRecorder | null {
    const { recorder, run, side } = this.#options;
    const current = run ?? (side === 'client' ? recorder.current() : null);
    return current === null || (current.closed && run === undefined) ? null : current;
  }

  #hasRun(): boolean {
    return this.#givenRun() !== null || this.#home.isBegun;
  }

  /** The place of what belongs to no call. */
  #quietPlace(): Place {
    return placeIn(this.#options.recorder, this.#givenRun() ?? this.#home.run(null));
  }

  #log(type: string, data: unknown): void {
    const place = this.#quietPlace();
    place.run.log(type, isWithheld(place) ? { withheld: true } : data);
  }

  /** Nobody said whose run this is, and the server has yet to tell its name. */
  #isUnnamed(direction: Direction): boolean {
    const { side, agentId } = this.#options;
    if (agentId !== undefined || this.#hasRun()) return false;
    return direction === (side === 'client' ? 'sent' : 'received');
  }

  #recordHandshake(answer: Answer | null, error?: unknown): void {
    const held = this.#handshake;
    if (held === null) return;
    this.#handshake = null;
    held.record(this.#quietPlace(), answer, error);
  }

  #wait(call: Call): void {
    this.#waiting.add(call);
    if (this.#waiting.size <= waitingMax) return;
    const [oldest] = this.#waiting;
    this.#waiting.delete(oldest!);
    oldest!.close();
  }

  #resumed(request: Request): Call | null {
    const { inputResponses, requestState } = request.params;
    if (inputResponses === undefined && requestState === undefined) return null;
    for (const call of this.#waiting)
      if (call.resume(request)) {
        this.#waiting.delete(call);
        return call;
      }
    return null;
  }

  /** Since 2026-07-28 a request over HTTP is given up by ending it, of which no message tells. */
  #followSignal(call: Call, signal: unknown): void {
    if (!(signal instanceof AbortSignal)) return;
    const giveUp = (): void => {
      this.#books.sent.remove(call);
      if (call.isOpen) call.cancel(signal.reason);
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  }
}
