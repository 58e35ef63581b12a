import { TachographError } from '../core/error.ts';
import type { ErasedPart } from '../core/life/erased-part.ts';
import type { Subject } from '../core/life/subject.ts';
import { messageIdsOf, partAfterMessage, youngRunMs } from '../core/life/subject.ts';
import type { RunView } from '../core/model/run.ts';
import { runTimeMs } from '../core/query/cursor.ts';
import { pageLimitMax } from '../core/query/page.ts';
import type { RunFilter, Store } from '../core/store.ts';

/** A run that loses its words, or some of its steps that do. */
export interface LeavingRun {
  readonly run: RunView;
  readonly part: ErasedPart | null;
}

/** A project in a store. */
export interface StoredProject {
  readonly store: Store;
  readonly projectId: string;
}

async function* runsOf({ store, projectId }: StoredProject, filter: RunFilter): AsyncGenerator<RunView> {
  for (let cursor: string | null = null; ;) {
    const page = await store.listRuns(
      projectId,
      { ...filter, includeDryRun: true },
      { limit: pageLimitMax, ...(cursor === null ? {} : { cursor }) },
    );
    yield* page.items;
    cursor = page.nextCursor;
    if (cursor === null) return;
  }
}

/** Adds the runs that these started, and those that they started: they were told the subject's words. */
async function addChildren({ store, projectId }: StoredProject, leavingById: Map<string, LeavingRun>): Promise<void> {
  const waiting = [...leavingById.values()];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const run of await store.listChildren(projectId, next.run.id)) {
      const isMeant = next.part === null || (run.parentStepId !== null && next.part.stepIds.has(run.parentStepId));
      const known = leavingById.get(run.id);
      if (!isMeant || (known !== undefined && known.part === null)) continue;
      const child = { run, part: null };
      leavingById.set(run.id, child);
      waiting.push(child);
    }
  }
}

/** The session that knows a message. `run-not-found` when none does, `bad-argument` when several do. */
async function sessionOf(project: StoredProject, messageId: string): Promise<string> {
  const found = new Set<string>();
  for await (const run of runsOf(project, {})) {
    if (run.sessionId === null || found.has(run.sessionId)) continue;
    const isNamed =
      messageIdsOf(run).includes(messageId) ||
      (await project.store.listSteps(project.projectId, run.id)).some((step) => messageIdsOf(step).includes(messageId));
    if (isNamed) found.add(run.sessionId);
  }
  const [sessionId] = found;
  if (sessionId === undefined) {
    throw new TachographError(
      'run-not-found',
      `No session of project ${project.projectId} knows the message ${messageId}. Name the session too, if it is an older message.`,
    );
  }
  if (found.size === 1) return sessionId;
  throw new TachographError(
    'bad-argument',
    `The message ${messageId} occurs in ${found.size} sessions: name the one that is meant.`,
  );
}

async function* runsAfterMessage(
  project: StoredProject,
  subject: Extract<Subject, { kind: 'message' }>,
  nowMs: number,
): AsyncGenerator<LeavingRun> {
  const { messageId } = subject;
  const sessionId = subject.sessionId ?? (await sessionOf(project, messageId));
  const beforeMs = subject.startedBeforeMs ?? nowMs - youngRunMs;
  for await (const run of runsOf(project, { sessionId })) {
    if (runTimeMs(run) >= beforeMs) continue;
    const part = partAfterMessage(run, await project.store.listSteps(project.projectId, run.id), messageId);
    if (part !== null) yield { run, part: part === 'all' ? null : { stepIds: part } };
  }
}

/** The runs that a subject's erasure takes words from, oldest first, with the runs they started. */
export async function findLeaving(
  project: StoredProject,
  subject: Subject,
  nowMs: number,
): Promise<readonly LeavingRun[]> {
  const leavingById = new Map<string, LeavingRun>();
  if (subject.kind === 'message') {
    for await (const leaving of runsAfterMessage(project, subject, nowMs)) leavingById.set(leaving.run.id, leaving);
  } else {
    const filter = subject.kind === 'caller' ? { callerId: subject.callerId } : { sessionId: subject.sessionId };
    for await (const run of runsOf(project, filter)) leavingById.set(run.id, { run, part: null });
  }
  await addChildren(project, leavingById);
  return [...leavingById.values()].sort(
    (a, b) => runTimeMs(a.run) - runTimeMs(b.run) || (a.run.id < b.run.id ? -1 : 1),
  );
}
