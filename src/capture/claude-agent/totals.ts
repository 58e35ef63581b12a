import type { Usage } from '../../core/model/usage.ts';
import { addUsage, subtractUsage, toUsage } from '../../core/model/usage.ts';
import type { Fields } from './vendor.ts';
import { toFields } from './vendor.ts';

/** Tokens of calls that are told only in sum, for one model. */
export interface Rest {
  readonly model: string;
  readonly usage: Usage;
  /** What the SDK said of the model, word for word; `null` when it said nothing. */
  readonly told: Fields | null;
}

type Counts = Map<string, Usage>;

/** The SDK marks a model with a large window, as in `claude-x[1m]`; its answers do not. */
const toModel = (name: string): string => name.replace(/\[[^\]]*\]$/, '');

/** What the SDK sums for one model. Reasoning is within its output. */
function toTold(entry: Fields): Usage {
  const { inputTokens, outputTokens, thinkingTokens, cacheReadInputTokens, cacheCreationInputTokens } = entry;
  const sum = [inputTokens, cacheReadInputTokens, cacheCreationInputTokens];
  const usage = toUsage(
    {
      total: sum.every((count) => typeof count === 'number') ? sum.reduce((all, count) => all + count, 0) : null,
      noCache: inputTokens,
      cacheRead: cacheReadInputTokens,
      cacheWrite: cacheCreationInputTokens,
      cacheWriteFiveMinutes: entry['cacheCreationEphemeral5mInputTokens'],
      cacheWriteOneHour: entry['cacheCreationEphemeral1hInputTokens'],
    },
    { total: outputTokens, reasoning: thinkingTokens },
  );
  return { ...usage, requests: null };
}

const floor = <T extends object>(counts: T): T =>
  Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, typeof count === 'number' ? Math.max(0, count) : count]),
  ) as T;

const isNothing = ({ input, output }: Usage): boolean => (input.total ?? 0) === 0 && (output.total ?? 0) === 0;

function addTo(counts: Counts, model: string, usage: Usage): void {
  const before = counts.get(model);
  counts.set(model, before === undefined ? usage : addUsage(before, usage));
}

/**
 * Tokens of one query by model. Calls whose own counts the SDK tells are counted by themselves; what its sums hold beyond
 * them (subagents, compaction, answers that were cut off) is the rest, told once per result.
 */
export class Totals {
  readonly #counted: Counts = new Map();
  readonly #untold: Counts = new Map();
  #before: Counts | null;

  /** `isResumed`: the SDK's first sums hold what earlier queries of the session spent, so they tell nothing yet. */
  constructor(isResumed: boolean) {
    this.#before = isResumed ? null : new Map();
  }

  /** A call with counts of its own. */
  count(model: string, usage: Usage): void {
    addTo(this.#counted, toModel(model), usage);
  }

  /** A call without; `usage` is what is known of it. */
  owe(model: string, usage: Usage): void {
    addTo(this.#untold, toModel(model), usage);
  }

  /** The rest after a result message with these sums by model. */
  settle(modelUsage: unknown): readonly Rest[] {
    const entries = Object.entries(toFields(modelUsage) ?? {}).flatMap(([name, entry]) => {
      const told = toFields(entry);
      return told === null ? [] : [{ model: toModel(name), told, now: toTold(told) }];
    });
    const before = this.#before;
    const now: Counts = new Map();
    for (const entry of entries) addTo(now, entry.model, entry.now);
    this.#before = now;
    if (before === null || entries.length === 0) {
      const rest = this.leave();
      this.#counted.clear();
      return rest;
    }
    // A conversation that was cleared begins its sums anew.
    const isAnew = [...before].some(([model, then]) => (now.get(model)?.input.total ?? 0) < (then.input.total ?? 0));
    const rests = [...now].flatMap(([model, sum]) => {
      const spent = [isAnew ? undefined : before.get(model), this.#counted.get(model)];
      const left = spent.reduce<Usage>((usage, part) => (part === undefined ? usage : subtractUsage(usage, part)), sum);
      const usage = { input: floor(left.input), output: floor(left.output), requests: null };
      const told = entries.find((entry) => entry.model === model)?.told ?? null;
      return isNothing(usage) ? [] : [{ model, usage, told }];
    });
    this.#counted.clear();
    this.#untold.clear();
    return rests;
  }

  /** The rest when no sums will come: what is known of the calls, which is not all. */
  leave(): readonly Rest[] {
    const rests = [...this.#untold].map(([model, usage]) => ({
      model,
      usage: { ...usage, requests: null },
      told: null,
    }));
    this.#untold.clear();
    return rests;
  }
}
