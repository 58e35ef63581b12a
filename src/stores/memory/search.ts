import type { ContentKind } from '../../core/content/content.ts';
import { contentToText } from '../../core/content/text.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { countMatches, parseTextQuery, textToSnippet, type TextQuery } from '../../core/query/text-query.ts';
import { contentToWords, runToErrorWords, stepToErrorWords } from '../../core/query/words.ts';
import type { SearchHit } from '../../core/store.ts';
import type { ProjectState, RunState } from './state.ts';

/** A place where the words of a query occur, before its snippet is cut. */
interface Document {
  readonly runId: string;
  readonly stepId: string | null;
  readonly kind: ContentKind | 'error';
  readonly contentId: string | null;
  readonly text: string;
  readonly timeMs: number;
  readonly matches: number;
}

function* contentDocuments(project: ProjectState, run: RunState, query: TextQuery): Generator<Document> {
  const contentById = project.epochByNumber.get(run.epoch)?.contentById;
  const startById = new Map([...run.stepByNumber.values()].map((step) => [step.id, step.startedAtMs]));
  for (const [contentId, stepId] of run.stepIdByContent) {
    const content = contentById?.get(contentId);
    const matches = content === undefined ? 0 : countMatches(contentToWords(content), query);
    if (content === undefined || matches === 0) continue;
    const startedAtMs = stepId === null ? undefined : startById.get(stepId);
    yield {
      runId: run.view.id,
      stepId: startedAtMs === undefined ? null : stepId,
      kind: content.kind,
      contentId,
      text: contentToText(content.kind, content.bytes),
      timeMs: startedAtMs ?? runTimeMs(run.view),
      matches,
    };
  }
}

function* errorDocuments(run: RunState, query: TextQuery): Generator<Document> {
  const { view } = run;
  const base = { runId: view.id, kind: 'error', contentId: null } as const;
  const words = runToErrorWords(view);
  const matches = countMatches(words, query);
  if (matches > 0) yield { ...base, stepId: null, text: words, timeMs: view.finishedAtMs ?? runTimeMs(view), matches };
  for (const step of run.stepByNumber.values()) {
    const text = stepToErrorWords(step);
    const inStep = countMatches(text, query);
    if (inStep > 0) yield { ...base, stepId: step.id, text, timeMs: step.startedAtMs, matches: inStep };
  }
}

/** Every place of a project where a query occurs. */
export function findDocuments(project: ProjectState, query: TextQuery): Document[] {
  if (query.phrases.length === 0) return [];
  return [...project.runById.values()].flatMap((run) => [
    ...contentDocuments(project, run, query),
    ...errorDocuments(run, query),
  ]);
}

/** Hits of a text, newest first or those with most matches first. A lower rank is better, as in the other stores. */
export function searchWords(
  project: ProjectState,
  text: string,
  options: { limit: number; order: 'time' | 'rank'; runId: string | null },
): SearchHit[] {
  const query = parseTextQuery(text);
  const found = findDocuments(project, query).filter(
    (document) => options.runId === null || document.runId === options.runId,
  );
  const key = (document: Document): number => (options.order === 'rank' ? -document.matches : -document.timeMs);
  return found
    .sort((a, b) => key(a) - key(b))
    .slice(0, Math.max(0, options.limit))
    .map(({ text: words, matches, ...place }) => ({ ...place, snippet: textToSnippet(words, query), rank: -matches }));
}
