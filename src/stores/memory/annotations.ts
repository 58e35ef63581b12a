import { TachographError } from '../../core/error.ts';
import type { ErasedPart } from '../../core/life/erased-part.ts';
import type { Annotation } from '../../core/store.ts';
import type { ProjectState } from './state.ts';

/** Writes an annotation in place of one with its id; the first creation time stands. `end-conflict` when it is another run's. */
export function putAnnotation(project: ProjectState, annotation: Annotation): void {
  const before = project.annotationById.get(annotation.id);
  if (before !== undefined && before.runId !== annotation.runId) {
    throw new TachographError(
      'end-conflict',
      `The annotation ${annotation.id} belongs to another run than ${annotation.runId}: choose another id.`,
    );
  }
  const createdAtMs = before?.createdAtMs ?? annotation.createdAtMs;
  project.annotationById.set(annotation.id, { ...annotation, createdAtMs });
}

/** Annotations of a run, oldest first. */
export function listAnnotations(project: ProjectState, runId: string): Annotation[] {
  const order = (a: Annotation, b: Annotation): number => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
  return [...project.annotationById.values()].filter((annotation) => annotation.runId === runId).sort(order);
}

/** Drops all annotations of a run, pins too. */
export function dropAnnotations(project: ProjectState, runId: string): void {
  for (const { id } of listAnnotations(project, runId)) project.annotationById.delete(id);
}

/** Drops what people wrote about a run, or about a part of it; a pin holds no words and still keeps the run. */
export function dropNotes(project: ProjectState, runId: string, part: ErasedPart | null): void {
  for (const { id, kind, stepId } of listAnnotations(project, runId)) {
    const isMeant = part === null || (stepId !== null && part.stepIds.has(stepId));
    if (isMeant && kind !== 'pin') project.annotationById.delete(id);
  }
}
