import process from 'node:process';
import { systemClock } from '../../core/clock.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { createPrices } from '../../core/cost/prices.ts';
import { shippedPrices } from '../../core/cost/shipped.ts';
import { TachographError } from '../../core/error.ts';
import { orAmbient } from '../../core/record/ambient.ts';
import { referenceInstruction } from './advice/view.ts';
import type { Members } from './members.ts';
import { mixtureProvider, toMembers } from './members.ts';
import type { MixtureOptions } from './options.ts';
import type { Preset } from './preset/preset.ts';
import { presetOf } from './preset/shelf.ts';
import { readShelf, shelfFile } from './preset/shelf-file.ts';
import { completePreset } from './preset/writing.ts';
import { createPrivacy } from './privacy.ts';
import { systemSchedule } from './schedule.ts';
import { createTraceBook } from './trace/book.ts';
import type { MixtureParts } from './turn-call.ts';
import { createTurnCalls } from './turn-call.ts';
import type { CallOptions, Model } from './vendor.ts';

function findHome(given: string | undefined): string | null {
  const home = given ?? process.env['TACHOGRAPH_HOME'] ?? '';
  return home === '' ? null : home;
}

function findPreset({ preset, name }: MixtureOptions, home: string | null): { name: string; preset: Preset } {
  if (typeof preset !== 'string') return { name: name ?? 'default', preset: completePreset(preset ?? {}, 'preset') };
  if (home !== null) return { name: preset, preset: presetOf(readShelf(shelfFile(home)), preset) };
  throw new TachographError(
    'bad-argument',
    `The preset ${JSON.stringify(preset)} is looked for in a data folder; pass \`home\`, or set TACHOGRAPH_HOME.`,
  );
}

let listPrices: Prices | null = null;

/** The list prices of this version, put together once: naming them takes a digest over all of them. */
function findPrices(given: Prices | undefined): Prices {
  if (given !== undefined) return given;
  listPrices ??= createPrices([shippedPrices()]);
  return listPrices;
}

/** Runs what must not reach a turn when it fails (I1). */
function createGuard(onError: ((error: unknown) => void) | undefined): (fn: () => void) => void {
  return (fn) => {
    try {
      fn();
    } catch (error) {
      try {
        onError?.(error);
      } catch {
        // A listener that throws has told its own fault away; there is nobody left to tell.
        return;
      }
    }
  };
}

function toParts(options: MixtureOptions, found: { name: string; preset: Preset }, members: Members): MixtureParts {
  const home = findHome(options.home);
  const guard = createGuard(options.onError);
  const clock = options.clock ?? systemClock;
  const privacy = createPrivacy(options.privacy ?? 'off');
  const { traces, sessionId } = options;
  return {
    recorder: orAmbient(options.recorder),
    agentId: options.agentId ?? 'moa',
    sessionId: () => (typeof sessionId === 'function' ? sessionId() : (sessionId ?? null)),
    presetName: found.name,
    preset: found.preset,
    ...members,
    instruction: options.instruction ?? referenceInstruction,
    privacy,
    prices: findPrices(options.prices),
    clock,
    schedule: options.schedule ?? systemSchedule,
    idleMs: options.idleMs ?? 10 * 60_000,
    isOutputKeptBySession: options.isOutputKeptBySession === true,
    guard,
    tell: (progress) => guard(() => options.onProgress?.(progress)),
    traces: createTraceBook({
      read: () => {
        if (typeof traces === 'function') return traces();
        return traces ?? (home === null ? null : readShelf(shelfFile(home)));
      },
      dataFolder: home,
      variables: process.env,
      privacy,
      guard,
    }),
  };
}

/**
 * A mixture of agents as a language model of the AI SDK (version 7), usable wherever one is: references are asked in
 * parallel, and the aggregator answers with their advice in view. Of a disabled preset it is the aggregator itself. Throws
 * `bad-argument` for a preset that is not right or an aggregator that is a mixture, `model-missing` without one.
 */
export function mixtureOfAgents<M extends object>(options: MixtureOptions<M>): M {
  const found = findPreset(options, findHome(options.home));
  const members = toMembers(options, found.preset);
  const { aggregator } = members;
  if (!found.preset.enabled) return aggregator as unknown as M;
  const calls = createTurnCalls(toParts(options, found, members));
  const mixture: Model & { readonly specificationVersion: unknown } = {
    specificationVersion: (aggregator as { specificationVersion?: unknown }).specificationVersion ?? 'v4',
    provider: mixtureProvider,
    modelId: found.name,
    get supportedUrls() {
      return aggregator.supportedUrls;
    },
    doGenerate: (call: CallOptions) => calls.generate(call),
    doStream: (call: CallOptions) => calls.stream(call),
  };
  return mixture as unknown as M;
}
