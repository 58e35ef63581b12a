import { Command } from 'commander';
import { expect, it } from 'vitest';
import type { CommandPlace } from '../../commands/command.ts';
import { addAgents } from './agents-command.ts';
import { addBudget } from './budget-command.ts';
import { addCreateRun } from './create-command.ts';
import { addDead, addWork } from './queue-command.ts';
import { addRehearse } from './rehearse-command.ts';
import { addSchedule } from './schedule-command.ts';
import { addShadowReport } from './shadow-command.ts';
import { addCancel, addRedrive, addSignal } from './steer-command.ts';
import { addWorker } from './worker-command.ts';

const adds = [
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
];

/** Every command below one, with its whole name. */
function namesOf(command: Command, before: string): [string, Command][] {
  return command.commands.flatMap((each): [string, Command][] => {
    const name = `${before} ${each.name()}`.trim();
    return each.commands.length === 0 ? [[name, each]] : namesOf(each, name);
  });
}

const program = new Command('tachograph');
for (const add of adds) add(program, {} as CommandPlace);
const commands = namesOf(program, '');

it.each(commands)('tachograph %s has help with an example', (name, command) => {
  let help = '';
  command.configureOutput({ writeOut: (text) => void (help += text) });
  command.outputHelp();
  expect(help).toContain(`$ tachograph ${name}`);
  expect(command.description()).not.toBe('');
});

it('are what the guide names', () => {
  expect(commands.map(([name]) => name)).toEqual([
    'worker',
    'create',
    'work',
    'cancel',
    'signal',
    'dead',
    'redrive',
    'schedule put',
    'schedule ls',
    'schedule rm',
    'agents',
    'budget ls',
    'budget set',
    'budget stop',
    'budget resume',
    'rehearse',
    'shadow-report',
  ]);
});
