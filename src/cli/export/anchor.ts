import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import { sealToDigest } from '../../core/verify/seals.ts';

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
