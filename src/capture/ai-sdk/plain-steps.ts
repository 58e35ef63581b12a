import type { Call } from './call.ts';
import { plainToFinish } from './map/operation.ts';
import type { ModelStep } from './model-step.ts';
import { enterStep } from './place.ts';
import type { EndEvent, Fields } from './sdk-events.ts';
import { toFields, toText } from './sdk-events.ts';
import { toPlainPlan } from './step-plan.ts';

/** Model steps of embeddings, rerankings and decisions, several of which may be under way in one call. */
export interface PlainSteps {
  /** Begins a step; a retry, which announces the same values under a new id, goes on with the step it had. */
  begin(call: Call, event: EndEvent): void;
  end(call: Call, event: EndEvent): void;
}

interface Begun {
  readonly stepById: Map<string, ModelStep>;
  readonly stepByValues: Map<object, ModelStep>;
}

/** An empty book of plain steps. */
export function createPlainSteps(): PlainSteps {
  const begunByCall = new WeakMap<Call, Begun>();
  const begunOf = (call: Call): Begun => {
    let begun = begunByCall.get(call);
    if (begun === undefined) {
      begun = { stepById: new Map(), stepByValues: new Map() };
      begunByCall.set(call, begun);
    }
    return begun;
  };
  const idOf = (event: EndEvent): string => toText((event as Fields)['embedCallId']) ?? '';
  return {
    begin(call, event) {
      const { stepById, stepByValues } = begunOf(call);
      if (stepById.has(idOf(event))) return;
      const values = toFields((event as Fields)['values']) ?? event;
      const tried = call.operation.name === 'embed' ? call.step : stepByValues.get(values);
      const isRetry = tried !== undefined && tried !== null && !tried.isEnded;
      const step = isRetry ? tried : call.beginStep(toPlainPlan(event as Fields, call.start));
      enterStep(step.recorder);
      stepById.set(idOf(event), step);
      stepByValues.set(values, step);
    },
    end(call, event) {
      begunOf(call)
        .stepById.get(idOf(event))
        ?.finish(plainToFinish(event as Fields, call.withheld));
    },
  };
}
