import { isSame } from '../recall.ts';
import { toFields } from '../sdk-events.ts';
import type { SixResult, SixStepStart } from './events.ts';
import type { SixCall } from './six-call.ts';
import { isInsideTool, sixScope } from './six-call.ts';

/*
 * Which call an event is of. In this order: the scope that the event came in; an object that an earlier event of the
 * call carried (a step's model, its result, a tool call); what the call was asked with. Calls that none of these tells
 * apart were asked the same by the same code.
 */

/** Joins events to calls. */
export interface SixJoin {
  add(six: SixCall, model: object): void;
  drop(six: SixCall): void;
  /** This object belongs to that call. */
  note(six: SixCall, object: unknown): void;
  byObject(...objects: readonly unknown[]): SixCall | null;
  ofStepStart(event: SixStepStart, around: string | null): SixCall | null;
  /** The call of a result. Where several wait for it the oldest is taken, and all of them are guesses from then on. */
  ofResult(event: SixResult, around: string | null): SixCall | null;
}

const sharedNames = ['tools', 'headers', 'stopWhen', 'output', 'abortSignal', 'metadata'] as const;

/** True when a step's first messages are the call's: the same objects, or the prompt's words. */
function isAsked(six: SixCall, event: SixStepStart): boolean {
  const first = (Array.isArray(event.messages) ? (event.messages as unknown[]) : [])[0];
  if (Array.isArray(six.asked.messages)) return six.asked.messages[0] === first;
  if (Array.isArray(six.prompt)) return six.prompt[0] === first;
  return isSame(toFields(first)?.['content'], six.prompt);
}

/** Calls under way at most; the oldest, whose end nobody told, are forgotten. */
const callsMax = 10_000;

/** A join that knows no calls. */
export function createSixJoin(): SixJoin {
  const open = new Set<SixCall>();
  const callByObject = new WeakMap<object, SixCall>();

  const byObject = (...objects: readonly unknown[]): SixCall | null => {
    for (const object of objects) {
      const six = toFields(object) === null ? undefined : callByObject.get(object as object);
      if (six !== undefined) return six;
    }
    return null;
  };
  const note = (six: SixCall, object: unknown): void => {
    if (toFields(object) !== null) callByObject.set(object as object, six);
  };
  const inScope = (): SixCall | null => {
    const six = sixScope.getStore();
    return six !== undefined && open.has(six) && !isInsideTool(six) ? six : null;
  };
  const waiting = (stepNumber: number, around: string | null): SixCall[] =>
    [...open].filter((six) => six.stepNumber === stepNumber && six.around === around);

  return {
    add(six, model) {
      if (open.size >= callsMax) open.delete(open.values().next().value!);
      open.add(six);
      note(six, model);
    },
    drop: (six) => void open.delete(six),
    note,
    byObject,
    ofStepStart(event, around) {
      const number = event.stepNumber ?? 0;
      const known = byObject(event.steps?.at(-1)) ?? inScope();
      if (known !== null && known.stepNumber === number - 1) return known;
      const isSameCall = (six: SixCall): boolean =>
        six.call.start.functionId === event.functionId &&
        sharedNames.every((name) => six.asked[name] === event[name]) &&
        isAsked(six, event);
      return waiting(number - 1, around).find(isSameCall) ?? null;
    },
    ofResult(event, around) {
      const parts = Array.isArray(event.content) ? (event.content as unknown[]) : [];
      const known = byObject(event.model, ...parts) ?? inScope();
      if (known !== null) return known;
      const responseId = toFields(event.response)?.['id'];
      const list = waiting(event.stepNumber ?? 0, around).filter(
        ({ call, asked }) =>
          call.start.functionId === event.functionId &&
          asked.metadata === event.metadata &&
          (call.step ?? call.plan) !== null,
      );
      const exact = list.filter(({ call }) => responseId !== undefined && call.step?.responseId === responseId);
      const candidates = exact.length > 0 ? exact : list.filter(({ call }) => call.step?.isEnded !== true);
      if (candidates.length > 1) for (const six of candidates) six.isGuess = true;
      return candidates[0] ?? null;
    },
  };
}
