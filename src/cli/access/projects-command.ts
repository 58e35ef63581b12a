import type { Command } from 'commander';
import type { Project, ProjectChange } from '../../core/access/project.ts';
import { createProject, nextProject, projectModes, projectStatuses } from '../../core/access/project.ts';
import { TachographError } from '../../core/error.ts';
import type { CommandPlace, GlobalOptions } from '../commands/command.ts';
import { examples, optionsOf, printJson, withHome } from '../commands/command.ts';
import { toTime } from '../print/figures.ts';
import { toTable } from '../print/table.ts';
import { toVisible } from '../print/terminal.ts';

interface ChangeFlags extends GlobalOptions {
  readonly name?: string;
  readonly status?: string;
  readonly mode?: string;
  readonly canaryPercent?: string;
  readonly retentionDays?: string;
}

const columns = ['project', 'name', 'status', 'mode', 'retention', 'made'].map((heading) => ({ heading }));

function projectToRow(project: Project): string[] {
  const { retentionDays, canaryPercent, createdAtMs } = project;
  const retention = retentionDays === null ? 'as the home' : retentionDays === 0 ? 'for ever' : `${retentionDays} days`;
  const mode = canaryPercent === null ? project.mode : `${project.mode} ${canaryPercent} %`;
  const made = createdAtMs === 0 ? 'always there' : toTime(createdAtMs);
  return [project.id, toVisible(project.name), project.status, mode, retention, made];
}

function parseWord<T extends string>(text: string | undefined, words: readonly T[], flag: string): T | undefined {
  const word = words.find((each) => each === text);
  if (text === undefined || word !== undefined) return word;
  throw new TachographError(
    'bad-argument',
    `${flag} ${JSON.stringify(text)} is not known; give one of ${words.join(', ')}.`,
  );
}

function parseCount(text: string | undefined, flag: string): number | undefined {
  if (text === undefined || /^\d{1,6}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new TachographError('bad-argument', `${flag} ${JSON.stringify(text)} is no whole number from 0.`);
}

function readChange(flags: ChangeFlags): ProjectChange {
  const change: ProjectChange = {
    name: flags.name,
    status: parseWord(flags.status, projectStatuses, '--status'),
    mode: parseWord(flags.mode, projectModes, '--mode'),
    canaryPercent: parseCount(flags.canaryPercent, '--canary-percent'),
    // "none" is not 0: the project keeps its records as long as the home does.
    retentionDays: flags.retentionDays === 'none' ? null : parseCount(flags.retentionDays, '--retention-days'),
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function tell(place: CommandPlace, flags: GlobalOptions, project: Project): void {
  if (flags.json === true) printJson(place.terminal, { project });
  else place.terminal.print(toTable(columns, [projectToRow(project)]).join('\n'));
}

function addCreate(projects: Command, place: CommandPlace): void {
  projects
    .command('create <id>')
    .description(
      'Make a project. It begins in mode shadow, which matters once runs are work; recording is the same in every mode.',
    )
    .option('--name <name>', 'what people call it (default: the id)')
    .addHelpText('after', examples('tachograph projects create shop --name "The shop"'))
    .action(async (id: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<ChangeFlags>(self);
      await withHome(flags, async ({ store }) => {
        if ((await store.directory.getProject(id)) !== null)
          throw new TachographError(
            'bad-argument',
            `The project ${id} is there already; change it with: tachograph projects set ${id}`,
          );
        const project = createProject({
          id,
          nowMs: Date.now(),
          ...(flags.name === undefined ? {} : { name: flags.name }),
        });
        await store.directory.putProject(project);
        tell(place, flags, project);
      });
    });
}

function addList(projects: Command, place: CommandPlace): void {
  projects
    .command('ls')
    .description('List the projects.')
    .addHelpText('after', examples('tachograph projects ls'))
    .action(async (_flags: unknown, self: Command) => {
      const flags = optionsOf<GlobalOptions>(self);
      await withHome(flags, async ({ store }) => {
        const listed = await store.directory.listProjects();
        if (flags.json === true) printJson(place.terminal, { projects: listed });
        else place.terminal.print(toTable(columns, listed.map(projectToRow)).join('\n'));
      });
    });
}

function addSet(projects: Command, place: CommandPlace): void {
  projects
    .command('set <id>')
    .description('Change a project. What is left out stays.')
    .option('--name <name>', 'what people call it')
    .option('--status <status>', projectStatuses.join(' or '))
    .option('--mode <mode>', projectModes.join(', '))
    .option('--canary-percent <n>', 'in mode canary: how many of a hundred runs act for real')
    .option('--retention-days <n>', 'how long records are kept; 0 for ever, "none" as the home does')
    .addHelpText('after', examples('tachograph projects set shop --status suspended'))
    .action(async (id: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<ChangeFlags>(self);
      const change = readChange(flags);
      await withHome(flags, async ({ store }) => {
        const project = await store.directory.getProject(id);
        if (project === null)
          throw new TachographError(
            'project-not-found',
            `There is no project ${JSON.stringify(id)}; make it with: tachograph projects create ${id}`,
          );
        const changed = nextProject(project, change);
        await store.directory.putProject(changed);
        tell(place, flags, changed);
      });
    });
}

/** `tachograph projects`: the tenants of a server. */
export function addProjects(program: Command, place: CommandPlace): void {
  const projects = program
    .command('projects')
    .description('Make, list and change projects: each sees its own records only.');
  for (const add of [addCreate, addList, addSet]) add(projects, place);
}
