import { TachographError } from '../../core/error.ts';
import { isKeyNamed, keyToFingerprint } from '../../core/run-file/signature.ts';
import type { OpenedHome } from '../open.ts';
import { toPlural } from '../print/figures.ts';
import { toVisible } from '../print/terminal.ts';
import { readOrigin } from './origin-shelf.ts';

/** Where an imported run came from, and whether its keys are the ones that were asked for. */
export interface OriginReport {
  readonly projectId: string;
  readonly seals: number;
  /** Keys of its seals and of the file, each once. */
  readonly fingerprints: readonly string[];
  /** `null` when no key was asked for. */
  readonly isAsked: boolean | null;
}

/** The origin of a run, or `null` for one that was recorded here; then a key that was asked for is `bad-argument`. */
export function reportOrigin(
  opened: Pick<OpenedHome, 'home' | 'projectId'>,
  runId: string,
  keys: readonly string[] | undefined,
): OriginReport | null {
  const origin = readOrigin(opened.home, { projectId: opened.projectId, runId });
  if (origin === null) {
    if (keys === undefined) return null;
    throw new TachographError(
      'bad-argument',
      `Run ${runId} was recorded here and is held to the key of this home; --key is for run files and imported runs.`,
    );
  }
  const { projectId, seals, closing } = origin;
  const publicKeys = [...new Set([...seals.map(({ publicKey }) => publicKey), closing.publicKey])];
  return {
    projectId,
    seals: seals.length,
    fingerprints: publicKeys.map(keyToFingerprint),
    isAsked: keys === undefined ? null : publicKeys.every((key) => keys.some((given) => isKeyNamed(key, given))),
  };
}

/** The origin in a line. */
export function originToLine({ projectId, seals, fingerprints, isAsked }: OriginReport): string {
  const keys = `${toPlural(fingerprints.length, 'key')} ${fingerprints.join(', ')}`;
  const judged = isAsked === null ? '' : isAsked ? ', as asked for' : ', which is not what was asked for';
  return `imported from project ${toVisible(projectId)}: ${toPlural(seals, 'seal')}, ${keys}${judged}`;
}
