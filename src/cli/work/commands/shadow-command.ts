import type { Command } from 'commander';
import { readShadowReport } from '../../../core/work/shadow/report-reading.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson, withHome } from '../../commands/command.ts';
import { parseMoment } from '../../commands/filter-options.ts';
import { printShadowReport } from '../../print/shadow-report-print.ts';

interface ReportFlags extends GlobalOptions {
  readonly agent?: string;
  readonly since?: string;
  readonly until?: string;
  readonly dryRuns?: boolean;
}

/** `tachograph shadow-report`: what runs in shadow would have done. */
export function addShadowReport(program: Command, place: CommandPlace): void {
  program
    .command('shadow-report')
    .description('Say what runs in shadow would have done, and how they compare with those that acted.')
    .option('--agent <id>', 'runs of this agent')
    .option('--since <time>', 'started at or after: 2h, 3d or a date')
    .option('--until <time>', 'started before: 2h, 3d or a date')
    .option('--dry-runs', 'dry runs too, such as rehearsals')
    .addHelpText(
      'after',
      examples('tachograph shadow-report --since 7d', 'tachograph shadow-report --agent mailer --json'),
    )
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<ReportFlags>(self);
      const nowMs = Date.now();
      const { agent, since, until } = flags;
      const request = {
        includeDryRun: flags.dryRuns === true,
        ...(agent === undefined ? {} : { agentId: agent }),
        ...(since === undefined ? {} : { sinceMs: parseMoment(since, nowMs, '--since') }),
        ...(until === undefined ? {} : { untilMs: parseMoment(until, nowMs, '--until') }),
      };
      await withHome(flags, async ({ store, projectId }) => {
        const report = await readShadowReport(store, { projectId, ...request });
        if (flags.json === true) printJson(place.terminal, report);
        else printShadowReport(report, place.terminal);
      });
    });
}
