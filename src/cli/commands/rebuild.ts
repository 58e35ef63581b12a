import type { Command } from 'commander';
import { toPlural, toShortId } from '../print/figures.ts';
import { toVisible } from '../print/terminal.ts';
import type { CommandPlace } from './command.ts';
import { examples, exitStatus, optionsOf, printJson, withHome } from './command.ts';

/** `tachograph rebuild`: computes runs, steps and attempts anew from the record. */
export function addRebuild(program: Command, place: CommandPlace): void {
  program
    .command('rebuild')
    .description(
      'Compute runs, steps and attempts anew from their events. Exit status 1 when any differed or could not be.',
    )
    .argument('[run]', 'run id, the beginning of one, or "last"; left out: all runs')
    .addHelpText('after', examples('tachograph rebuild', 'tachograph rebuild last'))
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<object>(self);
      const { terminal } = place;
      await withHome(flags, async (opened) => {
        const differing: { runId: string; fields: readonly string[] }[] = [];
        const failed: { runId: string; message: string }[] = [];
        let runs = 0;
        const rebuild = async (runId: string): Promise<void> => {
          try {
            const fields = await opened.store.rebuildRun(opened.projectId, runId);
            if (fields.length > 0) differing.push({ runId, fields });
          } catch (error) {
            // One run whose record no longer reads keeps none of the others from being put right.
            failed.push({ runId, message: error instanceof Error ? error.message : String(error) });
          }
          runs += 1;
          if (runs % 100 === 0) terminal.progress(`${runs} runs rebuilt`);
        };
        if (reference !== undefined) await rebuild((await opened.findRun(reference)).id);
        else {
          for (let cursor: string | null = null; ;) {
            const page = await opened.store.listRuns(
              opened.projectId,
              { includeDryRun: true },
              { limit: 500, ...(cursor === null ? {} : { cursor }) },
            );
            for (const run of page.items) await rebuild(run.id);
            cursor = page.nextCursor;
            if (cursor === null) break;
          }
        }
        terminal.progress('');
        if (differing.length + failed.length > 0) place.exit(exitStatus.wanting);
        if (flags.json === true) {
          printJson(terminal, { runs, differing, failed });
          return;
        }
        for (const { runId, fields } of differing)
          terminal.print(`${toShortId(runId)}: ${fields.join(', ')} differed and were put right.`);
        for (const { runId, message } of failed)
          terminal.print(`${toShortId(runId)}: cannot be rebuilt: ${toVisible(message)}`);
        terminal.print(
          `${toPlural(runs - failed.length, 'run')} rebuilt, ${differing.length} had differed from the record.`,
        );
      });
    });
}
