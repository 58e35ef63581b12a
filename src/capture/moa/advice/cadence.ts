import type { Message } from '../vendor.ts';

/** How often references are asked: every iteration, once a user turn, or every so many iterations of it. */
export type Cadence = 'per_iteration' | 'user_turn' | `every_n:${number}`;

/** The cadence that a text names; `null` for any other text. */
export function parseCadence(text: unknown): Cadence | null {
  if (text === 'per_iteration' || text === 'user_turn') return text;
  return typeof text === 'string' && /^every_n:[1-9]\d{0,3}$/.test(text) ? (text as Cadence) : null;
}

/** Iterations between two fan-outs. */
function intervalOf(cadence: Cadence): number {
  if (cadence === 'per_iteration') return 1;
  return cadence === 'user_turn' ? Number.POSITIVE_INFINITY : Number(cadence.slice('every_n:'.length));
}

/** Where the answers of this user turn stand in the prompt. */
function answersOfTurn(prompt: readonly Message[]): number[] {
  const lastUser = prompt.findLastIndex(({ role }) => role === 'user');
  return prompt.flatMap(({ role }, index) => (role === 'assistant' && index > lastUser ? [index] : []));
}

/** How many iterations of this user turn have been answered. */
export function iterationOf(prompt: readonly Message[]): number {
  return answersOfTurn(prompt).length;
}

/**
 * The part of a prompt that references are asked about: as it stood at the latest iteration that the cadence asks at.
 * It follows from the prompt alone, so that a retry, or another process, comes to the same.
 */
export function cutToCadence(prompt: readonly Message[], cadence: Cadence): readonly Message[] {
  const answers = answersOfTurn(prompt);
  const interval = intervalOf(cadence);
  const asked = interval === Number.POSITIVE_INFINITY ? 0 : Math.floor(answers.length / interval) * interval;
  return asked === answers.length ? prompt : prompt.slice(0, answers[asked]);
}
