import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the transcripts of real coding agents lie beside the project. */
export const trajectoriesFolder = fileURLToPath(new URL('../../../shared/corpus/trajectories', import.meta.url));

/** True when the transcripts are there. */
export const hasTrajectories = existsSync(trajectoriesFolder);

/** A transcript: its messages in order. */
export interface Trajectory {
  readonly name: string;
  readonly messages: readonly { readonly role: string }[];
}

/** All transcripts, by file name. */
export function readTrajectories(): Trajectory[] {
  return readdirSync(trajectoriesFolder)
    .filter((name) => name.endsWith('.traj'))
    .sort()
    .map((name) => {
      const { history } = JSON.parse(readFileSync(join(trajectoriesFolder, name), 'utf8')) as {
        history: Trajectory['messages'];
      };
      return { name, messages: history };
    });
}

/** The contexts of a transcript's model calls: all messages before each answer of the assistant. */
export function contextsOf(
  trajectory: Trajectory,
): { readonly messages: Trajectory['messages']; readonly answer: object }[] {
  const contexts: { messages: Trajectory['messages']; answer: object }[] = [];
  for (const [index, message] of trajectory.messages.entries()) {
    if (message.role === 'assistant' && index > 0)
      contexts.push({ messages: trajectory.messages.slice(0, index), answer: message });
  }
  return contexts;
}
