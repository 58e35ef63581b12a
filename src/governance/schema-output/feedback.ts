import type { SchemaViolation } from './violation.ts';
import { violationToText } from './violation.ts';

/** A refused answer, for those who word what the model is told of it. */
export interface Refusal {
  /** The answer, whole. */
  readonly text: string;
  readonly errors: readonly SchemaViolation[];
  /** The try that was refused, from 1, and how many there are. */
  readonly attempt: number;
  readonly triesMax: number;
}

/** A longer answer is not repeated to the model: its violations tell enough, and every try would pay for it again. */
const repeatedCharsMax = 32 * 1024;

/** What the model is told of a refused answer. */
export function refusalToText({ errors, attempt, triesMax }: Refusal): string {
  return [
    `Your answer was refused (try ${attempt} of ${triesMax}).`,
    'Answer again with the JSON alone: one value that is valid against the schema, no text and no code fence around it.',
    'What was wrong:',
    ...errors.map((error) => `- ${violationToText(error)}`),
  ].join('\n');
}

/**
 * The messages that a refused answer adds: the answer as the assistant's, when it is not too long, and what was wrong as
 * the user's. In the form that chat APIs have in common.
 */
export function refusalToMessages(refusal: Refusal): readonly unknown[] {
  const { text } = refusal;
  const isRepeated = text.trim() !== '' && text.length <= repeatedCharsMax;
  return [
    ...(isRepeated ? [{ role: 'assistant', content: text }] : []),
    { role: 'user', content: refusalToText(refusal) },
  ];
}
