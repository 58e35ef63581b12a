/** One writer's chain in one run: where the next event goes. */
export interface Chain {
  readonly runId: string;
  readonly epoch: number;
  /** The recorder's own, or that of the lease it writes under. */
  readonly writerId: string;
  n: number;
  head: Uint8Array;
  /** The record already says that this run's writes went on in the background. */
  saidDegraded: boolean;
  /** Events of it that went nowhere. */
  losses: number;
}

/** The chains of recent runs, so that a loss can be told to runs that have ended meanwhile. */
export interface ChainMemory {
  get(runId: string): Chain | undefined;
  add(chain: Chain): void;
}

/** As many of the newest chains are remembered for certain, and at most twice as many. */
const chainsMin = 4096;

/** An empty memory. Old chains go all at once: taking the first out of a map, one by one, costs 5 µs each time. */
export function createChainMemory(): ChainMemory {
  let older = new Map<string, Chain>();
  let newer = new Map<string, Chain>();
  return {
    get: (runId) => newer.get(runId) ?? older.get(runId),
    add(chain) {
      if (newer.size >= chainsMin) {
        older = newer;
        newer = new Map();
      }
      newer.set(chain.runId, chain);
    },
  };
}
