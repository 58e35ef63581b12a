import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import { checkSealChain } from '../../core/verify/ledger.ts';
import { sealToDigest } from '../../core/verify/seals.ts';
import type { CommandPlace } from '../commands/command.ts';
import { exitStatus, printJson } from '../commands/command.ts';
import type { OpenedHome } from '../open.ts';
import { toPlural, toTime } from '../print/figures.ts';

/** One seal of a project, as it was written down outside: on paper, in a ticket, in another system's log. */
export interface Anchor {
  readonly projectId: string;
  readonly number: number;
  /** `sealToDigest` of that seal: it names the seal before, and so all before it. */
  readonly digest: string;
  readonly timeMs: number;
}

const word = 'tachograph-anchor/1';
const pattern =
  /^tachograph-anchor\/1 (\S{1,400}) ([1-9]\d{0,14}) ([0-9a-f]{64}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$/;

/** The anchor of a seal. */
export function sealToAnchor(seal: Seal): Anchor {
  const { projectId, number, timeMs } = seal;
  return { projectId, number, digest: sealToDigest(seal), timeMs };
}

/** An anchor as one line of plain characters, to be printed or sent: project, seal number, digest, time. */
export function anchorToLine({ projectId, number, digest, timeMs }: Anchor): string {
  return `${word} ${encodeURIComponent(projectId)} ${number} ${digest} ${new Date(timeMs).toISOString()}`;
}

/** Reads a line back, white space around and between forgiven. `bad-argument` for anything else. */
export function parseAnchor(line: string): Anchor {
  const match = pattern.exec(line.trim().replaceAll(/\s+/g, ' '));
  if (match === null) {
    throw new TachographError(
      'bad-argument',
      `${JSON.stringify(line.slice(0, 200))} is no anchor. Give the whole line that tachograph verify --print-anchor printed.`,
    );
  }
  const [, project, number, digest, time] = match as unknown as [string, string, string, string, string];
  return { projectId: decodeProject(project), number: Number(number), digest, timeMs: Date.parse(time) };
}

function decodeProject(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TachographError('bad-argument', `The project ${JSON.stringify(text)} of the anchor cannot be read.`, {
      cause,
    });
  }
}

/** What an anchor says of a project's seals today: `null` when its seal is there unchanged, else what is wrong. */
export function findAgainstAnchor(anchor: Anchor, seals: readonly Seal[]): string | null {
  const seal = seals.find(({ number }) => number === anchor.number);
  if (seal === undefined)
    return `Seal ${anchor.number} of the anchor is not here. The record was put back to an earlier state, or replaced.`;
  const now = sealToAnchor(seal);
  if (now.digest !== anchor.digest)
    return `Seal ${anchor.number} is not the one that was anchored: the record was sealed again, or it is that of another home.`;
  if (now.timeMs !== anchor.timeMs)
    return `Seal ${anchor.number} is the one that was anchored, but the time in the line is another one.`;
  return null;
}

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
