import type { Command } from 'commander';
import { TachographError } from '../../../core/error.ts';
import type { Rehearsal } from '../../../runtime/shadow/index.ts';
import { rehearse } from '../../../runtime/shadow/index.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson } from '../../commands/command.ts';
import { toShortId } from '../../print/figures.ts';
import { toTable } from '../../print/table.ts';
import { toVisible } from '../../print/terminal.ts';
import { withWork } from '../with-work.ts';

interface RehearseFlags extends GlobalOptions {
  readonly environment?: string;
}

const columns = ['TOOL', 'CLASS', 'KNOWN BY', 'IN SHADOW', 'WHY'].map((heading) => ({ heading }));

function toolToRow(tool: Rehearsal['tools'][number]): string[] {
  const { name, action, blockReason } = tool;
  return [toVisible(name), tool.class, tool.classSource, action, blockReason ?? ''];
}

/** `tachograph rehearse`: what shadow would do with the tools of an agent. */
export function addRehearse(program: Command, place: CommandPlace): void {
  program
    .command('rehearse <agent>')
    .description(
      'Go through the registered tools of an agent without a model and without calling any: says, and records as a dry run, what a shadow run would do with each.',
    )
    .option('--environment <name>', 'as if in this environment, such as staging')
    .addHelpText(
      'after',
      examples('tachograph rehearse mailer', 'tachograph rehearse mailer --environment staging --json'),
    )
    .action(async (agentId: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<RehearseFlags>(self);
      await withWork(flags, async ({ work, projectId, parts }) => {
        const agent = await work.getAgent(projectId, agentId);
        if (agent === null)
          throw new TachographError(
            'agent-not-found',
            `No agent ${JSON.stringify(agentId)} is registered. A worker registers it: tachograph worker --help`,
          );
        const recorder = parts.recorderOf(projectId);
        const { tools } = agent;
        const rehearsal = rehearse({ recorder, agentId, tools, environment: flags.environment ?? null });
        await recorder.settle();
        if (flags.json === true) printJson(place.terminal, rehearsal);
        else {
          place.terminal.print(toTable(columns, rehearsal.tools.map(toolToRow)).join('\n'));
          place.terminal.note(`Recorded as a dry run: tachograph show ${toShortId(rehearsal.runId)}`);
        }
      });
    });
}
