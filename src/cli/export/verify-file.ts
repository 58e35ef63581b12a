import type { RunFileReport } from '../../core/run-file/reader.ts';
import { verifyRunFile } from '../../core/run-file/reader.ts';
import { keyToFingerprint } from '../../core/run-file/signature.ts';
import type { CommandPlace } from '../commands/command.ts';
import { exitStatus, printJson } from '../commands/command.ts';
import { toPlural, toTime } from '../print/figures.ts';
import { toVerdictLine } from '../print/run-print.ts';
import { toVisible } from '../print/terminal.ts';
import { openRunFiles } from './run-file-source.ts';

/** How a file is verified. */
export interface FileVerification {
  /** Keys or fingerprints of which every seal must bear one; left out, the keys inside are taken and shown. */
  readonly keys?: readonly string[];
  readonly json?: boolean;
}

/** The keys of a file, each once: those of its seals and the one that signed the whole. */
function keysOf({ seals, closing }: RunFileReport): readonly string[] {
  const all = [...seals.map(({ publicKey }) => publicKey), ...(closing === null ? [] : [closing.publicKey])];
  return [...new Set(all)];
}

function printReport(name: string, report: RunFileReport, isAsked: boolean, { terminal }: CommandPlace): void {
  const { verdict, manifest, seals } = report;
  terminal.print(`${toVisible(name)}: ${toVerdictLine(verdict, terminal.paint)}`);
  terminal.print(`  run ${manifest.runId} of project ${toVisible(manifest.projectId)}`);
  terminal.print(`  ${verdict.intact.message}`);
  terminal.print(`  ${verdict.complete.message}`);
  terminal.print(`  ${toPlural(verdict.events, 'event')}, ${toPlural(seals.length, 'seal')}`);
  for (const { number, timeMs, publicKey } of seals)
    terminal.print(`    seal ${number}, ${toTime(timeMs)} UTC, key ${keyToFingerprint(publicKey)}`);
  if (isAsked || verdict.intact.verdict !== 'intact') return;
  const fingerprints = keysOf(report).map(keyToFingerprint).join(', ');
  terminal.print(terminal.paint.dim(`  Compare the key with what its owner says, or demand it: --key ${fingerprints}`));
}

/**
 * Verifies what a file holds, with no home: the bytes, the chains, the seals, and by which key. Exit status 1 when it is
 * not as it was sealed, and for a record that no seal covers whole.
 */
export async function verifyFile(path: string, { keys, json }: FileVerification, place: CommandPlace): Promise<void> {
  const reports: object[] = [];
  for (const source of await openRunFiles(path)) {
    const report = await verifyRunFile(source.read(), { name: source.name, ...(keys === undefined ? {} : { keys }) });
    if (report.verdict.intact.verdict !== 'intact') place.exit(exitStatus.wanting);
    if (json !== true) printReport(source.name, report, keys !== undefined, place);
    const { manifest, verdict } = report;
    reports.push({
      file: source.name,
      runId: manifest.runId,
      projectId: manifest.projectId,
      ...verdict,
      keys: keysOf(report).map((publicKey) => ({ publicKey, fingerprint: keyToFingerprint(publicKey) })),
    });
  }
  if (json === true) printJson(place.terminal, reports.length === 1 ? reports[0] : { files: reports });
}
