import type { Content } from '../content/content.ts';
import { contentToPreview } from '../content/text.ts';
import { defaultLimits, truncateBytes } from '../limits.ts';
import type { StepView } from '../model/step.ts';

/** Which content a step's preview is the beginning of. */
export type PreviewSource = 'response' | 'result';

/** The source of a step's preview: a tool shows its result, everything else its response. */
export function stepToPreviewSource(step: Pick<StepView, 'kind'>): PreviewSource {
  return step.kind === 'tool' ? 'result' : 'response';
}

/** Content id behind a preview. */
export function previewContentId(
  step: Pick<StepView, 'responseId' | 'resultId'>,
  source: PreviewSource,
): string | null {
  return source === 'result' ? step.resultId : step.responseId;
}

/** The beginning of a content as a step shows it: 4,000 bytes of a tool's result, 2,000 of a response. */
export function contentToStepPreview(content: Pick<Content, 'bytes'>, source: PreviewSource): string {
  const bytesMax = source === 'result' ? defaultLimits.toolPreviewBytes : defaultLimits.stepPreviewBytes;
  // By what it stands for here: the content itself has the kind that it first came with, which may be another's.
  return truncateBytes(contentToPreview(source === 'result' ? 'result' : 'output', content.bytes), bytesMax);
}
