import type { Command } from 'commander';
import type { Preset, Shelf } from '../../capture/moa/index.ts';
import { readShelf, shelfFile } from '../../capture/moa/index.ts';
import { isTachographError } from '../../core/error.ts';
import { chooseHome } from '../open.ts';
import { toPlural } from '../print/figures.ts';
import { toTable } from '../print/table.ts';
import { toVisible } from '../print/terminal.ts';
import type { CommandPlace } from '../commands/command.ts';
import { examples, exitStatus, optionsOf, printJson } from '../commands/command.ts';

/** Something in the file that is not as it must be, and what is taken in its place. */
interface Fault {
  readonly path: string;
  readonly value: unknown;
  readonly taken: string;
}

const columns = [
  { heading: 'preset' },
  { heading: 'references' },
  { heading: 'aggregator' },
  { heading: 'fan-out' },
  { heading: 'degraded' },
];

function presetToRow(name: string, preset: Preset): string[] {
  const references = preset.references.filter(({ enabled }) => enabled);
  return [
    toVisible(preset.enabled ? name : `${name} (off)`),
    toVisible(references.map(({ provider, model }) => `${provider}:${model}`).join(', ') || 'none'),
    toVisible(
      preset.aggregator === null ? 'of the caller' : `${preset.aggregator.provider}:${preset.aggregator.model}`,
    ),
    preset.fanout,
    preset.degradedPolicy,
  ];
}

function readFile(file: string): { shelf: Shelf | null; faults: Fault[] } {
  const faults: Fault[] = [];
  try {
    return { shelf: readShelf(file, (path, value, taken) => void faults.push({ path, value, taken })), faults };
  } catch (error) {
    if (!isTachographError(error)) throw error;
    return { shelf: null, faults: [{ path: file, value: error.message, taken: 'nothing of it' }] };
  }
}

/** `tachograph moa`: the presets of mixtures of agents, and what in their file is not as it must be. */
export function addMoa(program: Command, place: CommandPlace): void {
  program
    .command('moa')
    .description('List the presets of mixtures of agents, and check the file they are in.')
    .argument('[file]', 'the file to read (default: moa.json in the data folder)')
    .addHelpText('after', examples('tachograph moa', 'tachograph moa ./moa.json'))
    .action((given: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<object>(self);
      const { terminal } = place;
      const file = given ?? shelfFile(chooseHome(flags.home));
      const { shelf, faults } = readFile(file);
      if (faults.length > 0) place.exit(exitStatus.wanting);
      if (flags.json === true) {
        const presets = Object.fromEntries(shelf?.presetByName ?? []);
        const { saveTraces = false, traceDir = null } = shelf ?? {};
        printJson(terminal, { file, saveTraces, traceDir, presets, faults });
        return;
      }
      const rows = [...(shelf?.presetByName ?? [])].map(([name, preset]) => presetToRow(name, preset));
      if (rows.length === 0) terminal.note(`No presets in ${file}.`);
      else for (const line of toTable(columns, rows)) terminal.print(line);
      if (shelf?.saveTraces === true)
        terminal.print(`Traces are written to ${shelf.traceDir ?? 'moa-traces in the data folder'}.`);
      for (const { path, value, taken } of faults)
        terminal.print(toVisible(`${path} is ${JSON.stringify(value)}; taken for it: ${taken}`));
      if (faults.length > 0) terminal.note(`${toPlural(faults.length, 'fault')} in ${file}.`);
    });
}
