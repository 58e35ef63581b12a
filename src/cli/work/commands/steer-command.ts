import type { Command } from 'commander';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, exitStatus, optionsOf, printJson } from '../../commands/command.ts';
import { toPlural } from '../../print/figures.ts';
import { toVisible } from '../../print/terminal.ts';
import { findWorkRun, parseJson, parseWhole, withWork } from '../with-work.ts';

/** `tachograph cancel`: ends a run and its open child runs. */
export function addCancel(program: Command, place: CommandPlace): void {
  program
    .command('cancel <run>')
    .description(
      'Cancel a run and its open child runs. Its worker hears of it at its next heartbeat or step. Status 1 when it had ended.',
    )
    .addHelpText('after', examples('tachograph cancel 019a9f3e-1b2c', 'tachograph cancel last --json'))
    .action(async (reference: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withWork(flags, async (home) => {
        const { runId } = await findWorkRun(home, reference);
        const { isCancelled, row, children } = await home.runs.cancel(runId);
        const { state } = row;
        if (flags.json === true) printJson(place.terminal, { runId, isCancelled, state, children });
        else if (!isCancelled) place.terminal.note(`Run ${runId} had ended already: ${state}.`);
        else
          place.terminal.print(
            `Run ${runId} is cancelled${children === 0 ? '' : `, and ${toPlural(children, 'child run')}`}.`,
          );
        if (!isCancelled) place.exit(exitStatus.wanting);
      });
    });
}

interface SignalFlags extends GlobalOptions {
  readonly payload?: string;
  readonly id?: string;
}

/** `tachograph signal`: a message to a run. */
export function addSignal(program: Command, place: CommandPlace): void {
  program
    .command('signal <run> <name>')
    .description(
      'Send a message to a run; one that waits for it wakes. Status 1 when it came before, or the run has ended.',
    )
    .option('--payload <json>', 'what the message says: JSON, or @file')
    .option('--id <id>', 'one that comes twice under this id is taken once')
    .addHelpText('after', examples(`tachograph signal 019a9f3e-1b2c approved --payload '{"by":"ada"}'`))
    .action(async (reference: string, name: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<SignalFlags>(self);
      const payload = parseJson(flags.payload, '--payload') ?? null;
      await withWork(flags, async (home) => {
        const { runId } = await findWorkRun(home, reference);
        const id = flags.id ?? home.parts.ids.uuid();
        const isNew = await home.runs.signal(runId, { id, name, payload });
        if (flags.json === true) printJson(place.terminal, { runId, id, isNew });
        else if (isNew) place.terminal.print(`Run ${runId} was sent "${toVisible(name)}" (${toVisible(id)}).`);
        else place.terminal.note(`Run ${runId} was not sent it: it came before, or the run has ended.`);
        if (!isNew) place.exit(exitStatus.wanting);
      });
    });
}

interface RedriveFlags extends GlobalOptions {
  readonly fromStep?: string;
}

/** `tachograph redrive`: a failed run once more. */
export function addRedrive(program: Command, place: CommandPlace): void {
  program
    .command('redrive <run>')
    .description(
      'Have a failed run that was created with --redrivable done again, as a run of its own. Finished steps are not repeated.',
    )
    .option('--from-step <n>', 'do the remembered steps from this one on again, counted from 0')
    .addHelpText(
      'after',
      examples('tachograph redrive 019a9f3e-1b2c', 'tachograph redrive 019a9f3e-1b2c --from-step 3'),
    )
    .action(async (reference: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<RedriveFlags>(self);
      const fromStep = parseWhole(flags.fromStep, '--from-step', { min: 0, max: 1e6 });
      await withWork(flags, async (home) => {
        const { runId: failedRunId } = await findWorkRun(home, reference);
        const { runId, duplicate } = await home.runs.redrive(failedRunId, fromStep === undefined ? {} : { fromStep });
        if (flags.json === true) printJson(place.terminal, { failedRunId, runId, duplicate });
        else {
          place.terminal.print(runId);
          if (duplicate) place.terminal.note('It was driven again from there before; this is that run.');
        }
      });
    });
}
