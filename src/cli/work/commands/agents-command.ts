import type { Command } from 'commander';
import type { Agent } from '../../../core/work/agent.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson } from '../../commands/command.ts';
import { toTime } from '../../print/figures.ts';
import { toTable } from '../../print/table.ts';
import { toVisible } from '../../print/terminal.ts';
import { withWork } from '../with-work.ts';

const columns = ['AGENT', 'TOOLS', 'AT A TIME', 'HANDLER', 'CHANGED (UTC)'].map((heading) => ({ heading }));

function agentToRow({ agentId, tools, runsMax, handlerVersion, updatedAtMs }: Agent): string[] {
  const names = tools.map(({ name, class: toolClass }) => `${toVisible(name)} (${toolClass ?? 'class not said'})`);
  return [
    toVisible(agentId),
    names.join(', '),
    runsMax === null ? 'any number' : String(runsMax),
    toVisible(handlerVersion ?? ''),
    toTime(updatedAtMs),
  ];
}

/** `tachograph agents`: the agents that are registered. */
export function addAgents(program: Command, place: CommandPlace): void {
  program
    .command('agents')
    .description('List the agents that workers registered, with their tools and limits.')
    .addHelpText('after', examples('tachograph agents', 'tachograph agents --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withWork(flags, async ({ work, projectId }) => {
        const agents = await work.listAgents(projectId);
        if (flags.json === true) printJson(place.terminal, { agents });
        else if (agents.length === 0)
          place.terminal.note('No agent is registered. A worker does it: tachograph worker --help');
        else place.terminal.print(toTable(columns, agents.map(agentToRow)).join('\n'));
      });
    });
}
