import type { Command } from 'commander';
import { TachographError } from '../../../core/error.ts';
import type { BudgetLayer, BudgetLimit } from '../../../core/work/budget/limit.ts';
import { budgetLayers } from '../../../core/work/budget/limit.ts';
import { readBudgets } from '../../../server/index.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf, printJson } from '../../commands/command.ts';
import { toCount, toMoney } from '../../print/figures.ts';
import { toTable } from '../../print/table.ts';
import { toVisible } from '../../print/terminal.ts';
import type { WorkHome } from '../with-work.ts';
import { withWork } from '../with-work.ts';

interface SetFlags extends GlobalOptions {
  readonly usd?: string;
  readonly tokens?: string;
  readonly caller?: string;
}

interface StopFlags extends GlobalOptions {
  readonly platform?: boolean;
}

const columns = ['LAYER', 'OF', 'USD', 'TOKENS', 'USED'].map((heading) => ({ heading }));

/** Dollars, or `none` for any amount. */
function parseUsd(text: string | undefined): number | null {
  if (text === undefined || text === 'none') return null;
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Math.round(Number(text) * 1e9);
  throw new TachographError(
    'bad-argument',
    `--usd ${JSON.stringify(text)} is no sum of dollars, such as 2.50, or none.`,
  );
}

function parseTokens(text: string | undefined): number | null {
  if (text === undefined || text === 'none') return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TachographError('bad-argument', `--tokens ${JSON.stringify(text)} is no whole number, or none.`);
}

function parseLayer(text: string): BudgetLayer {
  const layer = budgetLayers.find((each) => each === text);
  if (layer !== undefined) return layer;
  throw new TachographError(
    'bad-argument',
    `${JSON.stringify(text)} is no layer of budgets; give one of ${budgetLayers.join(', ')}.`,
  );
}

async function printBudgets({ work, projectId }: WorkHome, flags: GlobalOptions, { terminal }: CommandPlace) {
  const { limits, stops } = await readBudgets(work, { projectId, withPlatform: true });
  if (flags.json === true) {
    printJson(terminal, { limits, stops });
    return;
  }
  if (stops.platform) terminal.print(terminal.paint.red('The emergency stop of all projects is on: no call leaves.'));
  if (stops.project) terminal.print(terminal.paint.red('The emergency stop of the project is on: no call leaves.'));
  if (limits.length === 0) terminal.note('No budget: any amount may be spent. Set one: tachograph budget set --help');
  else
    terminal.print(
      toTable(
        columns,
        limits.map(({ layer, scope, nanoUsdMax, tokensMax, share }) => [
          layer,
          scope === '*' ? 'each' : toVisible(scope),
          nanoUsdMax === null ? 'any' : toMoney(nanoUsdMax),
          tokensMax === null ? 'any' : toCount(tokensMax),
          share === null ? '' : `${Math.round(share * 100)} %`,
        ]),
      ).join('\n'),
    );
}

function toLimit(home: WorkHome, layer: BudgetLayer, scope: string | undefined, flags: SetFlags): BudgetLimit {
  const isWhole = layer === 'platform' || layer === 'project';
  const isNamed = scope !== undefined || flags.caller !== undefined;
  if (isWhole === isNamed || (flags.caller !== undefined && (layer !== 'caller' || scope !== undefined)))
    throw new TachographError(
      'bad-argument',
      isWhole
        ? `The layer ${layer} takes no scope.`
        : `Say whose: tachograph budget set ${layer} <scope>, or '*' for each.`,
    );
  if (flags.usd === undefined && flags.tokens === undefined)
    throw new TachographError('bad-argument', 'Say how much: --usd, --tokens, or both; none takes a limit away.');
  const named = flags.caller === undefined ? (scope ?? '') : home.runs.callerToScope(flags.caller);
  return { layer, scope: named, nanoUsdMax: parseUsd(flags.usd), tokensMax: parseTokens(flags.tokens) };
}

function addSet(budget: Command, place: CommandPlace): void {
  budget
    .command('set <layer> [scope]')
    .description(
      'Set how much may be spent: by all projects or the project or an agent in a UTC day, by a caller in seven days, by a run.',
    )
    .option('--usd <amount>', 'dollars, or none')
    .option('--tokens <n>', 'tokens of all kinds, or none')
    .option('--caller <id>', 'a caller by its name, in place of the scope')
    .addHelpText(
      'after',
      examples(
        'tachograph budget set project --usd 20',
        "tachograph budget set run '*' --usd 0.50 --tokens 200000",
        'tachograph budget set caller --caller ada --usd 5',
      ),
    )
    .action(async (layerName: string, scope: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<SetFlags>(self);
      const layer = parseLayer(layerName);
      await withWork(flags, async (home) => {
        const limit = toLimit(home, layer, scope, flags);
        await home.work.budgets.putLimit(layer === 'platform' ? null : home.projectId, limit);
        await printBudgets(home, flags, place);
      });
    });
}

function addList(budget: Command, place: CommandPlace): void {
  budget
    .command('ls')
    .description('List what may be spent and what was, in the order in which the layers are asked.')
    .addHelpText('after', examples('tachograph budget ls', 'tachograph budget ls --project shop --json'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withWork(flags, (home) => printBudgets(home, flags, place));
    });
}

const addSwitch = (name: 'stop' | 'resume', description: string) => (budget: Command, place: CommandPlace) => {
  budget
    .command(name)
    .description(description)
    .option('--platform', 'of all projects')
    .addHelpText('after', examples(`tachograph budget ${name}`, `tachograph budget ${name} --platform`))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<StopFlags>(self);
      await withWork(flags, async (home) => {
        await home.work.budgets.setStop(flags.platform === true ? null : home.projectId, name === 'stop');
        await printBudgets(home, flags, place);
      });
    });
};

/** `tachograph budget`: what may be spent. */
export function addBudget(program: Command, place: CommandPlace): void {
  const budget = program.command('budget').description('Limit what runs under a lease may spend, and stop them all.');
  addList(budget, place);
  addSet(budget, place);
  addSwitch('stop', 'Put the emergency stop on: no call of a governed run leaves, those that are out are cut off.')(
    budget,
    place,
  );
  addSwitch('resume', 'Take the emergency stop back.')(budget, place);
}
