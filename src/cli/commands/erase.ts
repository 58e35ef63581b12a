import type { Command } from 'commander';
import { TachographError } from '../../core/error.ts';
import { toPlural } from '../print/figures.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, printJson, withHome } from './command.ts';

interface EraseFlags {
  readonly yes?: boolean;
}

/** `tachograph erase`: removes the words of a run; its place in the chain stays. */
export function addErase(program: Command, place: CommandPlace): void {
  program
    .command('erase')
    .description(
      'Erase the words of a run for good: payloads, contents only it used, index rows and journal bytes. The chain still verifies.',
    )
    .argument('<run>', 'run id, the beginning of one, or "last"')
    .option('--yes', 'really do it')
    .addHelpText('after', examples('tachograph erase 019a9f3e-1b2c --yes'))
    .action(async (reference: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<EraseFlags>(self);
      const { terminal } = place;
      await withHome(flags, async (opened) => {
        const run = await opened.findRun(reference);
        if (flags.yes !== true) {
          throw new TachographError(
            'bad-argument',
            `This erases run ${run.id} (${run.agentId}) and cannot be undone. Say so with --yes.`,
          );
        }
        const result = await opened.indexer.eraseRun(opened.projectId, run.id);
        if (flags.json === true) printJson(terminal, { runId: run.id, ...result });
        else {
          const shared =
            result.shared === 0 ? '' : ` ${toPlural(result.shared, 'content')} shared with other runs stay.`;
          terminal.print(
            `Erased run ${run.id}: ${toPlural(result.events, 'event')}, ${toPlural(result.contents, 'content')}.${shared}`,
          );
        }
      });
    });
}
