import type { Content } from '../../core/content/content.ts';
import type { StepView } from '../../core/model/step.ts';
import {
  contentToStepPreview,
  previewContentId,
  type PreviewSource,
  stepToPreviewSource,
} from '../../core/query/preview.ts';
import type { SqlRow } from './value.ts';
import { readRest } from './view-shape.ts';

/*
 * A step's preview is the beginning of a content, so it is not stored beside it: the stored view names the content
 * (`previewOf`), and the preview is made again when the step is read.
 */

/** Contents at hand, by id. */
export type ContentsAtHand = { get(id: string): Content | undefined };

/** Which content at hand the preview is the beginning of, so that it need not be stored; `null` when none is. */
export function stepToStoredPreview(step: StepView, contentById: ContentsAtHand): PreviewSource | null {
  if (step.preview === null) return null;
  const source = stepToPreviewSource(step);
  const id = previewContentId(step, source);
  const content = id === null ? undefined : contentById.get(id);
  return content !== undefined && contentToStepPreview(content, source) === step.preview ? source : null;
}

/** The content that a row's preview is made of; `null` when the row has its own or none. */
export function rowToPreviewId(row: SqlRow): string | null {
  const { responseId, resultId, previewOf } = readRest('step', row['view']).rest as Partial<StepView> & {
    previewOf?: PreviewSource;
  };
  if (previewOf === undefined) return null;
  return previewContentId({ responseId: responseId ?? null, resultId: resultId ?? null }, previewOf);
}
