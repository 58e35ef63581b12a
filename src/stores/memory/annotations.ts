import { TachographError } from '../../core/error.ts';
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

/** Drops the annotations of a run, pins only when asked to. */
export function dropAnnotations(project: ProjectState, runId: string, keepPins: boolean): void {
  for (const { id, kind } of listAnnotations(project, runId)) {
    if (!(keepPins && kind === 'pin')) project.annotationById.delete(id);
  }
}
