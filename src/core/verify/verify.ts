import type { RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import type { StoreReader } from '../store.ts';
import { checkChains, groupByWriter } from './chains.ts';
import { checkCompleteness } from './completeness.ts';
import { checkContent, checkNodes, namedBy } from './contents.ts';
import { checkSeals, countUnsealed } from './seals.ts';
import type { Finding, Verdict } from './verdict.ts';

/** What is verified: one run's events and seals, and what was found against its contents. */
export interface Evidence {
  readonly events: readonly RecordedEvent[];
  readonly seals: readonly Seal[];
  /** The public key seals must be signed with, or `null` to take the one they name. */
  readonly trustedKey: string | null;
  readonly contentFinding: Finding | null;
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
  const finding = checkChains(byWriter) ?? checkSeals(seals, byWriter, trustedKey) ?? contentFinding;
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

const pageEvents = 5000;

async function readEvents(store: StoreReader, projectId: string, runId: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (let fromSeq = 1; ;) {
    const page = await store.listEvents(projectId, runId, { fromSeq, limit: pageEvents });
    events.push(...page);
    if (page.length < pageEvents) return events;
    fromSeq = page.at(-1)!.seq + 1;
  }
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
    const { contentIds, nodeIds } = namedBy(event);
    let finding = await checkIds(event, contentIds);
    for (const nodeId of nodeIds) {
      if (finding !== null || seen.has(nodeId)) continue;
      seen.add(nodeId);
      const nodes = await store.readContextNodes(projectId, runId, nodeId);
      finding =
        checkNodes(event, nodeId, nodes) ??
        (await checkIds(
          event,
          nodes.map((node) => node.contentId),
        ));
    }
    if (finding !== null) return finding;
  }
  return null;
}

/** Verifies a run where it rests: chains, seals, contents and contexts. `run-not-found` when there is none. */
export async function verifyStoredRun(
  store: StoreReader,
  run: { projectId: string; runId: string },
  trustedKey: string | null,
): Promise<Verdict> {
  await store.getRun(run.projectId, run.runId);
  const events = await readEvents(store, run.projectId, run.runId);
  const seals = await store.listSeals(run.projectId, run.runId);
  const contentFinding = await findBadContent(store, run, events);
  return verifyRun({ events, seals, trustedKey, contentFinding });
}
