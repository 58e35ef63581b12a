import process from 'node:process';
import { Command, CommanderError } from 'commander';
import type { ErrorCode } from '../core/error.ts';
import { isTachographError } from '../core/error.ts';
import type { CommandPlace } from './commands/command.ts';
import { exitStatus } from './commands/command.ts';
import { addKeys } from './access/keys-command.ts';
import { addProjects } from './access/projects-command.ts';
import { addDiff } from './commands/diff.ts';
import { addDoctor } from './commands/doctor.ts';
import { addErase } from './commands/erase.ts';
import { addExport } from './export/export-command.ts';
import { addImport } from './export/import-command.ts';
import { addBackup } from './life/backup-command.ts';
import { addReplay } from './replay/replay-command.ts';
import { addLs } from './commands/ls.ts';
import { addMoa } from './moa/moa-command.ts';
import { addPurge } from './commands/purge.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addReprice } from './commands/reprice.ts';
import { addRun } from './commands/run.ts';
import { addSearch } from './commands/search.ts';
import { addServe } from './commands/serve.ts';
import { addMigrate } from './life/migrate-command.ts';
import { addShip } from './life/ship-command.ts';
import { addShow } from './commands/show.ts';
import { addTail } from './commands/tail.ts';
import { addVerify } from './commands/verify.ts';
import { addAgents } from './work/commands/agents-command.ts';
import { addBudget } from './work/commands/budget-command.ts';
import { addCreateRun } from './work/commands/create-command.ts';
import { addDead, addWork } from './work/commands/queue-command.ts';
import { addRehearse } from './work/commands/rehearse-command.ts';
import { addSchedule } from './work/commands/schedule-command.ts';
import { addShadowReport } from './work/commands/shadow-command.ts';
import { addCancel, addRedrive, addSignal } from './work/commands/steer-command.ts';
import { addWorker } from './work/commands/worker-command.ts';
import { errorToWords } from './print/complaint.ts';
import { createTerminal } from './print/terminal.ts';
import { version } from './version.ts';

/** Codes that mean the command line was wrong; all others mean that something was found wanting. */
const usageCodes: readonly ErrorCode[] = ['bad-argument', 'bad-filter', 'bad-cursor', 'bind-refused'];

function createProgram(place: CommandPlace): Command {
  const program = new Command('tachograph')
    .description(
      'The flight recorder for AI agents: every run, model call, retry and tool call, word for word, on your own disk.',
    )
    .version(version)
    .option('--home <folder>', 'where records are kept (default: TACHOGRAPH_HOME, else the user data folder)')
    .option('--project <id>', 'the project to work in (default: TACHOGRAPH_PROJECT, else "default")')
    .option('--database <url>', 'records in PostgreSQL (default: TACHOGRAPH_DATABASE_URL, else a file in the home)')
    .option('--json', 'print one JSON document for programs')
    .enablePositionalOptions()
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride();
  for (const add of [
    addRun,
    addServe,
    addLs,
    addShow,
    addTail,
    addSearch,
    addDiff,
    addReplay,
    addVerify,
    addExport,
    addImport,
    addErase,
    addPurge,
    addBackup,
    addShip,
    addMigrate,
    addRebuild,
    addReprice,
    addDoctor,
    addMoa,
    addWorker,
    addCreateRun,
    addWork,
    addCancel,
    addSignal,
    addDead,
    addRedrive,
    addSchedule,
    addAgents,
    addBudget,
    addRehearse,
    addShadowReport,
    addKeys,
    addProjects,
  ])
    add(program, place);
  for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
    // The global flags also stand after the command, where people write them.
    command
      .exitOverride()
      .option('--json', 'print one JSON document for programs')
      .option('--home <folder>', 'where records are kept');
    command.option('--project <id>', 'the project to work in');
    // Said by the command itself where it means more than the store to read.
    if (!command.options.some(({ long }) => long === '--database'))
      command.option('--database <url>', 'records in PostgreSQL (default: TACHOGRAPH_DATABASE_URL)');
  }
  return program;
}

function report(error: unknown, isJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage;
  const known = isTachographError(error);
  const code = known ? error.code : 'internal';
  const message = errorToWords(error);
  if (isJson) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.stderr.write(`tachograph: ${message} [${code}]\n`);
  if (!known && process.env['TACHOGRAPH_DEBUG'] !== undefined)
    process.stderr.write(`${errorToWords((error as Error).stack ?? '')}\n`);
  return known && usageCodes.includes(error.code) ? exitStatus.usage : exitStatus.wanting;
}

/** Runs one command line and sets the exit status: 0 done, 1 found wanting, 2 usage. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  let status: number = exitStatus.done;
  const place: CommandPlace = { terminal: createTerminal(), exit: (next) => void (status = next) };
  // A reader that closes the pipe early (head, less) has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? exitStatus.done : exitStatus.wanting),
  );
  try {
    await createProgram(place).parseAsync([...args], { from: 'user' });
  } catch (error) {
    status = report(error, args.includes('--json') && !args.includes('run') && !args.includes('replay'));
  }
  process.exitCode = status;
}
