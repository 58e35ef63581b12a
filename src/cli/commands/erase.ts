import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import type { Subject } from '../../core/life/subject.ts';
import type { ErasureResult } from '../../core/store.ts';
import { toPlural } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import { toVisibleLine } from '../print/terminal.ts';
import type { CommandPlace, GlobalOptions } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';
import { parseMoment } from './filter-options.ts';

interface EraseFlags {
  readonly yes?: boolean;
  readonly caller?: string;
  readonly session?: string;
  readonly message?: string;
  readonly startedBefore?: string;
}

type Flags = EraseFlags & GlobalOptions;

/** The subject that the flags name; `null` when they name none. */
function flagsToSubject({ caller, session, message, startedBefore }: EraseFlags): Subject | null {
  if (startedBefore !== undefined && message === undefined)
    throw new TachographError('bad-argument', '--started-before goes with --message.');
  if (caller !== undefined && (session !== undefined || message !== undefined))
    throw new TachographError('bad-argument', 'Name one of --caller, --session and --message (with its --session).');
  if (caller !== undefined) return { kind: 'caller', callerId: caller };
  if (message !== undefined) {
    const startedBeforeMs =
      startedBefore === undefined ? null : parseMoment(startedBefore, Date.now(), '--started-before');
    return { kind: 'message', messageId: message, sessionId: session ?? null, startedBeforeMs };
  }
  return session === undefined ? null : { kind: 'session', sessionId: session };
}

function subjectToText(subject: Subject): string {
  const quote = (id: string): string => `"${toVisibleLine(id, 200)}"`;
  if (subject.kind === 'caller') return `all runs of the caller ${quote(subject.callerId)} and the runs they started`;
  if (subject.kind === 'session')
    return `all runs of the session ${quote(subject.sessionId)} and the runs they started`;
  const where = subject.sessionId === null ? 'its session' : `the session ${quote(subject.sessionId)}`;
  return `what ${where} said after the message ${quote(subject.messageId)}`;
}

function demandYes(flags: EraseFlags, what: string): void {
  if (flags.yes === true) return;
  throw new TachographError('bad-argument', `This erases ${what} and cannot be undone. Say so with --yes.`);
}

function toSentence(what: string, { events, contents, shared }: ErasureResult): string {
  const rest = shared === 0 ? '' : ` ${toPlural(shared, 'content')} shared with other runs stay.`;
  return `Erased ${what}: ${toPlural(events, 'event')}, ${toPlural(contents, 'content')}.${rest}`;
}

async function eraseOne(
  opened: OpenedHome,
  reference: string,
  { flags, place }: { flags: Flags; place: CommandPlace },
) {
  const run = await opened.findRun(reference);
  demandYes(flags, `run ${run.id} (${toVisibleLine(run.agentId, 200)})`);
  const result = await opened.indexer.eraseRun(opened.projectId, run.id);
  if (flags.json === true) printJson(place.terminal, { runId: run.id, ...result });
  else place.terminal.print(toSentence(`run ${run.id}`, result));
}

async function eraseWhole(
  opened: OpenedHome,
  subject: Subject,
  { flags, place }: { flags: Flags; place: CommandPlace },
) {
  const { terminal } = place;
  const { openRunIds, ...result } = await opened.indexer.eraseSubject(opened.projectId, subject, (done, total) =>
    terminal.progress(`${done} of ${toPlural(total, 'run')} erased`),
  );
  terminal.progress('');
  if (openRunIds.length > 0) place.exit(exitStatus.wanting);
  if (flags.json === true) printJson(terminal, { subject, ...result, openRunIds });
  else {
    terminal.print(toSentence(toPlural(result.runs, 'run'), result));
    if (openRunIds.length > 0)
      terminal.print(
        `${toPlural(openRunIds.length, 'run')} still open and untouched; erase again once they have ended: ${openRunIds.join(', ')}`,
      );
  }
}

/** `tachograph erase`: removes the words of runs; their places in the chain stay. */
export function addErase(program: Command, place: CommandPlace): void {
  program
    .command('erase')
    .description(
      'Erase words for good, of a run, a caller, a session, or a session after a message: payloads, contents only they used, index rows and journal bytes. The chain still verifies.',
    )
    .argument('[run]', 'run id, the beginning of one, or "last"')
    .option('--caller <id>', 'all runs of this caller, and the runs they started')
    .option('--session <id>', 'all runs of this session, and the runs they started')
    .option('--message <id>', 'what a session said strictly after this message; message ids must sort by time')
    .option('--started-before <time>', 'with --message: only runs that started before (default: 30s ago)')
    .option('--yes', 'really do it')
    .addHelpText(
      'after',
      examples(
        'tachograph erase 019a9f3e-1b2c --yes',
        'tachograph erase --caller user-17 --yes',
        'tachograph erase --session chat-4 --message 1042 --yes',
      ),
    )
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<EraseFlags>(self);
      const subject = flagsToSubject(flags);
      if ((reference === undefined) === (subject === null))
        throw new TachographError('bad-argument', 'Name one run, or one of --caller, --session and --message.');
      if (subject !== null) demandYes(flags, subjectToText(subject));
      await withHome(flags, (opened) =>
        subject === null
          ? eraseOne(opened, reference!, { flags, place })
          : eraseWhole(opened, subject, { flags, place }),
      );
    });
}
