import { TachographError } from '../../core/error.ts';
import { checkSealChain } from '../../core/verify/ledger.ts';
import type { CommandPlace } from '../commands/command.ts';
import { exitStatus, printJson } from '../commands/command.ts';
import type { OpenedHome } from '../open.ts';
import { toPlural, toTime } from '../print/figures.ts';
import { anchorToLine, findAgainstAnchor, parseAnchor, sealToAnchor } from './anchor.ts';

/** Prints the newest seal of the project as an anchor: one line, to be kept where the holder of the key cannot change it. */
export async function printAnchor(opened: OpenedHome, isJson: boolean, { terminal }: CommandPlace): Promise<void> {
  const seal = await opened.store.lastSeal(opened.projectId);
  if (seal === null)
    throw new TachographError(
      'bad-argument',
      `Project ${opened.projectId} has no seal yet; the first run that ends gets one.`,
    );
  const anchor = sealToAnchor(seal);
  if (isJson) printJson(terminal, { ...anchor, line: anchorToLine(anchor) });
  else terminal.print(anchorToLine(anchor));
}

/** Checks an anchor, and that the seals up to it and past it follow each other. Exit status 1 when they do not. */
export async function checkAnchor(
  opened: OpenedHome,
  line: string,
  place: CommandPlace & { isJson: boolean },
): Promise<void> {
  const anchor = parseAnchor(line);
  if (anchor.projectId !== opened.projectId) {
    throw new TachographError(
      'bad-argument',
      `The anchor is one of project ${JSON.stringify(anchor.projectId)}, and this is ${JSON.stringify(opened.projectId)}. Give --project.`,
    );
  }
  const seals = await opened.store.listSeals(opened.projectId);
  const chain = checkSealChain(seals, { publicKey: opened.trustedKey(opened.projectId), head: anchor });
  const wrong = findAgainstAnchor(anchor, seals) ?? chain?.message ?? null;
  const { terminal } = place;
  if (wrong !== null) place.exit(exitStatus.wanting);
  if (place.isJson) {
    printJson(terminal, { anchor, verdict: wrong === null ? 'intact' : 'edited', message: wrong, seals: seals.length });
    return;
  }
  terminal.print(
    wrong === null
      ? `${terminal.paint.green('The anchor holds')}: seal ${anchor.number} of ${toTime(anchor.timeMs)} UTC is here unchanged, and ${toPlural(seals.length, 'seal')} follow each other.`
      : terminal.paint.red(wrong),
  );
}
