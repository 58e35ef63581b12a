import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { isTachographError } from '../../core/error.ts';
import { listJournals, listQuarantine, readCauses, readSettings } from '../../journal/index.ts';
import type { Finding } from '../life/checkup.ts';
import { checkDatabase, checkSecret } from '../life/checkup.ts';
import { readBacklogs } from '../life/shipping.ts';
import { readUpkeep } from '../life/upkeep.ts';
import { toBytes, toPlural, toTime } from '../print/figures.ts';
import { chooseHome } from '../open.ts';
import { chooseDatabase, storeName } from '../database.ts';
import type { Terminal } from '../print/terminal.ts';
import { toVisible } from '../print/terminal.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > 22 || (major === 22 && minor >= 16);
  const detail = `Node ${process.versions.node}${isNew ? '' : '; 22.16 or newer is needed'}`;
  return { what: 'node', state: isNew ? 'good' : 'wrong', detail };
}

function checkHome(home: string): Finding {
  try {
    accessSync(home, constants.R_OK | constants.W_OK);
    const { mode } = statSync(home);
    const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
    const detail = isOpen ? `${home} can be read by others; run: chmod 700 ${home}` : home;
    return { what: 'home', state: isOpen ? 'note' : 'good', detail };
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isAbsent)
      return { what: 'home', state: 'note', detail: `${home} does not exist yet; the first recording makes it` };
    return { what: 'home', state: 'wrong', detail: `${home} cannot be used: ${(error as Error).message}` };
  }
}

function checkJournals(home: string): Finding[] {
  const files = listJournals(home);
  const bytes = files.reduce((sum, { bytes: size }) => sum + size, 0);
  const broken = files.filter(({ error }) => error !== null);
  return [
    { what: 'journals', state: 'good', detail: `${toPlural(files.length, 'file')}, ${bytes} bytes waiting or in use` },
    ...broken.map(({ file, error }): Finding => ({
      what: 'journal',
      state: 'wrong',
      detail: `${file}: ${error!.message}`,
    })),
  ];
}

/** Files and causes told one by one. */
const causesMax = 20;

/** What could not be imported: where it is kept, and of which journal, at which byte, for which reason. */
function checkQuarantine(home: string): Finding[] {
  const kept = listQuarantine(home).map(({ file, name }) => ({ name, causes: readCauses(file) }));
  if (kept.length === 0) return [];
  const lines = kept.flatMap(({ name, causes }) =>
    causes.length === 0 ? [name] : causes.map((cause) => `${name}: ${cause}`),
  );
  const rest = lines.length - causesMax;
  const wrong = (detail: string): Finding => ({ what: 'quarantine', state: 'wrong', detail });
  return [
    wrong(
      `${toPlural(kept.length, 'file')} in ${join(home, 'quarantine')} hold what could not be imported; update tachograph and move a file back into journal to try again, or delete it`,
    ),
    ...lines.slice(0, causesMax).map(wrong),
    ...(rest > 0 ? [wrong(`and ${rest} more, in the .cause.txt beside each file`)] : []),
  ];
}

function checkSettings(home: string): Finding[] {
  try {
    const { retentionDays, quotaBytes, recording, sampling } = readSettings(home);
    const parts = [
      retentionDays === 0 ? 'runs are kept for ever' : `runs are kept for ${toPlural(retentionDays, 'day')}`,
      quotaBytes === null ? 'no quota' : `at most ${quotaBytes} bytes`,
      ...(recording === 'off' ? ['recording is off'] : []),
      ...(sampling === null ? [] : [`a share of ${sampling.keep} of ordinary runs keeps its words`]),
    ];
    return [{ what: 'settings', state: recording === 'off' ? 'note' : 'good', detail: parts.join(', ') }];
  } catch (error) {
    if (!isTachographError(error)) throw error;
    return [
      { what: 'settings', state: 'wrong', detail: `${error.message} Until then nothing is recorded or dropped.` },
    ];
  }
}

/** What waits for servers, and what they refused. */
function checkOutboxes(home: string): Finding[] {
  return readBacklogs(home).flatMap(({ url, waitingBytes, projectIds, sinceMs, setAside }): Finding[] => {
    const to = url ?? 'a server that has not answered yet';
    const findings: Finding[] = [];
    if (waitingBytes > 0) {
      const since = `since ${toTime(sinceMs!)} UTC`;
      const detail = `${toBytes(waitingBytes)} of ${projectIds.join(', ')} wait for ${to} ${since}; send them with: tachograph ship`;
      findings.push({ what: 'outbox', state: 'note', detail });
    } else findings.push({ what: 'outbox', state: 'good', detail: `nothing waits for ${to}` });
    if (setAside > 0)
      findings.push({
        what: 'outbox',
        state: 'wrong',
        detail: `${toPlural(setAside, 'file')} that ${to} refused lie in the quarantine below ${join(home, 'outbox')}, each with its cause`,
      });
    return findings;
  });
}

/** Older than this, the last pass tells of a server that is gone. */
const passAgeMs = 10 * 60_000;

/** How retention, sampling and quota stood when the last server looked. */
function checkUpkeep(home: string): Finding[] {
  const state = readUpkeep(home);
  if (state === null || state.lastPassAtMs === null) return [];
  const { lastPassAtMs, error, purgedRuns, sampledRuns, quota } = state;
  const since = `${toTime(lastPassAtMs)} UTC`;
  const findings: Finding[] = [];
  if (error !== null) findings.push({ what: 'upkeep', state: 'wrong', detail: `at ${since}: ${error}` });
  else {
    const done = `${toPlural(purgedRuns, 'run')} dropped, ${toPlural(sampledRuns, 'run')} sampled out`;
    const isOld = Date.now() - lastPassAtMs > passAgeMs;
    const hint = isOld ? '; retention works while a server runs: tachograph serve' : '';
    findings.push({ what: 'upkeep', state: 'good', detail: `${done}, last looked at ${since}${hint}` });
  }
  if (quota !== null) {
    const { usedBytes, limitBytes, droppedRuns, isOver } = quota;
    const over = isOver ? '; nothing is left that may go: raise quotaBytes, unpin runs or end open ones' : '';
    findings.push({
      what: 'quota',
      state: isOver ? 'wrong' : 'good',
      detail: `${usedBytes} of ${limitBytes} bytes used, ${toPlural(droppedRuns, 'run')} dropped for it${over}`,
    });
  }
  return findings;
}

async function checkStore(options: GlobalOptions): Promise<Finding[]> {
  try {
    return await withHome(options, async (opened) => {
      const runs = await opened.store.countRuns(opened.projectId, { includeDryRun: true });
      const open = await opened.store.listOpenRuns(opened.projectId);
      const size = opened.database === null ? `${statSync(join(opened.home, storeName)).size} bytes` : 'in PostgreSQL';
      const problems = opened.problems.map(({ file, message }): Finding => ({
        what: 'journal',
        state: 'wrong',
        detail: `${file}: ${message}`,
      }));
      return [
        { what: 'store', state: 'good', detail: `${toPlural(runs, 'run')}, ${open.length} open, ${size}` },
        { what: 'seal key', state: 'good', detail: opened.trustedKey(opened.projectId) },
        ...problems,
      ];
    });
  } catch (error) {
    if (!isTachographError(error)) throw error;
    return [{ what: 'store', state: 'wrong', detail: `${error.message} [${error.code}]` }];
  }
}

function printFindings(findings: readonly Finding[], terminal: Terminal): void {
  const { paint } = terminal;
  const marks = { good: paint.green('ok  '), note: paint.yellow('note'), wrong: paint.red('bad ') };
  for (const { what, state, detail } of findings)
    terminal.print(`${marks[state]}  ${what.padEnd(10)}  ${toVisible(detail)}`);
}

/** `tachograph doctor`: looks at everything a recording needs and says what is wrong. */
export function addDoctor(program: Command, place: CommandPlace): void {
  program
    .command('doctor')
    .description(
      'Look at everything a recording needs: Node, home, journals, store, keys, and a team’s database. Exit status 1 when something is wrong.',
    )
    .addHelpText('after', examples('tachograph doctor', 'tachograph doctor --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<object>(self);
      const home = chooseHome(flags.home);
      const findings = [checkNode(), checkHome(home)];
      const database = chooseDatabase(flags.database, process.env);
      if (findings[1]!.state !== 'wrong')
        findings.push(
          ...checkSettings(home),
          checkSecret(process.env, database !== null),
          ...(database === null ? [] : await checkDatabase(database)),
          ...(await checkStore(flags)),
          ...checkJournals(home),
          ...checkQuarantine(home),
          ...checkOutboxes(home),
          ...checkUpkeep(home),
        );
      if (findings.some(({ state }) => state === 'wrong')) place.exit(exitStatus.wanting);
      if (flags.json === true) printJson(place.terminal, { findings });
      else printFindings(findings, place.terminal);
    });
}
