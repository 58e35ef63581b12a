import type { RecordedEvent } from '../record/event.ts';
import type { Seal, SealHead } from '../record/seal.ts';
import type { StoreReader } from '../store.ts';
import { checkChains, groupByWriter } from './chains.ts';
import { checkCompleteness } from './completeness.ts';
import { checkContent, checkNodes, namedBy } from './contents.ts';
import { checkLedger } from './ledger.ts';
import { checkSeals, countUnsealed, erasedBySeals } from './seals.ts';
import type { Finding, Verdict } from './verdict.ts';

/** What is verified: one run's events and seals, and what was found against its contents. */
export interface Evidence {
  readonly events: readonly RecordedEvent[];
  readonly seals: readonly Seal[];
  /** The public key seals must be signed with, or `null` to take the one they name. */
  readonly trustedKey: string | null;
  readonly contentFinding: Finding | null;
  /** What was found against the project's list of seals: a seal that is gone may have been this run's. */
  readonly ledgerFinding?: Finding | null;
}

/** What a verifier knows of a project from outside the store. */
export interface Trust {
  /** The public key that seals must be signed with, or `null` to take the one they name. */
  readonly publicKey: string | null;
  /** The newest seal that was made, or `null` when nobody kept it. */
  readonly head: SealHead | null;
}

/** A history that was rewritten whole breaks where the true one goes on: the seal knows of an earlier place. */
function earlier(chain: Finding | null, seal: Finding | null): Finding | null {
  const isSealEarlier =
    chain === null || (seal !== null && seal.writerId === chain.writerId && (seal.n ?? Infinity) < (chain.n ?? 0));
  return isSealEarlier ? seal : chain;
}

function toIntact(evidence: Evidence): Finding {
  const { events, seals, trustedKey, contentFinding } = evidence;
  if (events.length === 0)
    return {
      verdict: 'no-events',
      writerId: null,
      n: null,
      message: 'There are no events, and an empty record proves nothing.',
    };
  const byWriter = groupByWriter(events);
  const chainFinding = checkChains(byWriter, erasedBySeals(seals, trustedKey));
  const sealFinding = checkSeals(seals, byWriter, trustedKey);
  const finding = earlier(chainFinding, sealFinding) ?? contentFinding ?? evidence.ledgerFinding ?? null;
  if (finding !== null) return finding;
  const unsealed = countUnsealed(seals, byWriter);
  if (unsealed === 0)
    return {
      verdict: 'intact',
      writerId: null,
      n: null,
      message: `Every byte is as sealed (${events.length} events).`,
    };
  const message = `The chains verify, but ${unsealed} of ${events.length} events are not covered by a seal yet.`;
  return { verdict: 'unsealed', writerId: null, n: null, message };
}

/** Answers both questions about one run: is it intact, and is it complete. */
export function verifyRun(evidence: Evidence): Verdict {
  const erased = evidence.events.filter((event) => event.payload === null).length;
  const intact = toIntact(evidence);
  return {
    intact: { ...intact, erased, message: erased === 0 ? intact.message : `${intact.message} ${erased} erased.` },
    complete: checkCompleteness(groupByWriter(evidence.events)),
    seals: evidence.seals.length,
    events: evidence.events.length,
    publicKey: evidence.seals.at(-1)?.publicKey ?? null,
  };
}

/** Checks every content and context that the run's events name, each once. */
async function findBadContent(
  store: StoreReader,
  run: { projectId: string; runId: string },
  events: readonly RecordedEvent[],
): Promise<Finding | null> {
  const { projectId, runId } = run;
  const seen = new Set<string>();
  const checkIds = async (event: RecordedEvent, ids: readonly string[]): Promise<Finding | null> => {
    const fresh = ids.filter((id) => !seen.has(id));
    if (fresh.length === 0) return null;
    const contents = await store.readContents(projectId, runId, fresh);
    const byId = new Map(contents.map((content) => [content.id, content]));
    for (const id of fresh) {
      seen.add(id);
      const finding = checkContent(event, id, byId.get(id));
      if (finding !== null) return finding;
    }
    return null;
  };
  for (const event of events) {
    const { contentIds, contexts } = namedBy(event);
    let finding = await checkIds(event, contentIds);
    for (const context of contexts) {
      const { nodeId } = context;
      if (finding !== null || seen.has(nodeId)) continue;
      seen.add(nodeId);
      const nodes = await store.readContextNodes(projectId, runId, nodeId);
      finding =
        checkNodes(event, context, nodes) ??
        (await checkIds(
          event,
          nodes.map((node) => node.contentId),
        ));
    }
    if (finding !== null) return finding;
  }
  return null;
}

const readingsMax = 5;

/**
 * Verifies a run where it rests: chains, seals, contents, contexts, and that no seal of the project is missing. A run
 * that changes meanwhile is read again. `run-not-found` when there is none.
 */
export async function verifyStoredRun(
  store: StoreReader,
  run: { projectId: string; runId: string },
  trust: Trust | null,
): Promise<Verdict> {
  const { projectId, runId } = run;
  const trustedKey = trust?.publicKey ?? null;
  const stampOf = async (): Promise<string> => {
    const { lastSeq, erased } = await store.getRun(projectId, runId);
    return `${lastSeq} ${erased} ${(await store.listSeals(projectId, runId)).length}`;
  };
  for (let reading = 1; ; reading += 1) {
    const stamp = await stampOf();
    const seals = await store.listSeals(projectId, runId);
    const events = await store.listEvents(projectId, runId);
    const contentFinding = await findBadContent(store, run, events);
    const ledgerFinding = checkLedger(await store.sealLedger(projectId), trust?.head ?? null);
    if (reading < readingsMax && stamp !== (await stampOf())) continue;
    return verifyRun({ events, seals, trustedKey, contentFinding, ledgerFinding });
  }
}
