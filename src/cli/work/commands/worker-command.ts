import process from 'node:process';
import type { Command } from 'commander';
import { TachographError } from '../../../core/error.ts';
import { isTerminal, runStatuses } from '../../../core/model/run.ts';
import type { AgentRegistration, Handler } from '../../../runtime/index.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { examples, optionsOf } from '../../commands/command.ts';
import { parseSpan } from '../../commands/filter-options.ts';
import { untilStopped } from '../../life/stop.ts';
import { errorToLine } from '../../print/complaint.ts';
import { toShortId } from '../../print/figures.ts';
import type { Terminal } from '../../print/terminal.ts';
import { toVisible } from '../../print/terminal.ts';
import { sampleAgent, sampleAgentId } from '../../sample/work-agent.ts';
import type { Work } from '../open-work.ts';
import { openWork } from '../open-work.ts';
import { parseWhole } from '../with-work.ts';
import { readWorkModule } from '../work-module.ts';

interface WorkerFlags extends GlobalOptions {
  readonly concurrency?: string;
  readonly environment?: string;
  readonly lease: string;
  readonly grace: string;
  readonly sample?: boolean;
}

type Agents = Readonly<Record<string, AgentRegistration>>;

/** What a worker tells of itself. */
interface Note {
  readonly event: 'started' | 'took' | 'done' | 'failed' | 'lost' | 'stopping' | 'stopped';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One line for each thing that happens: JSON for programs, a time and words for people. */
function createTeller(terminal: Terminal, isJson: boolean): (note: Note) => void {
  return ({ event, text, fields }) => {
    const time = new Date().toISOString();
    if (isJson) terminal.print(JSON.stringify({ time, event, ...fields }));
    else terminal.print(`${terminal.paint.dim(time.slice(11, 19))} ${event.padEnd(8)} ${text}`);
  };
}

/** A handler that tells when it takes a run, and how it came out. */
function withTelling(registration: AgentRegistration, tell: (note: Note) => void): AgentRegistration {
  const run: Handler = async (handled, context) => {
    const { id, agentId, attempt, attemptsMax } = handled;
    const fields = { runId: id, agentId, attempt };
    const what = `${toShortId(id)} ${toVisible(agentId)}`;
    tell({ event: 'took', text: `${what}, attempt ${attempt} of ${attemptsMax}`, fields });
    try {
      const output = await registration.run(handled, context);
      tell({ event: 'done', text: what, fields });
      return output;
    } catch (error) {
      const why = errorToLine(error);
      tell({ event: context.signal.aborted ? 'lost' : 'failed', text: `${what}: ${why}`, fields: { ...fields, why } });
      throw error;
    }
  };
  return { ...registration, run };
}

async function readAgents(path: string | undefined, isSample: boolean): Promise<Agents> {
  if ((path === undefined) !== isSample)
    throw new TachographError('bad-argument', 'Name the module that has the agents, or give --sample.');
  return path === undefined ? { [sampleAgentId]: sampleAgent } : Object.fromEntries(await readWorkModule(path));
}

/** A sample run to be worked on, unless one is open. */
async function createSampleRun(work: Work): Promise<void> {
  const open = runStatuses.filter((state) => !isTerminal(state));
  if ((await work.listRuns({ agentId: sampleAgentId, states: open })).length > 0) return;
  await work.createRun({ agentId: sampleAgentId, triggerType: 'cli', name: 'a parcel that was opened', input: {} });
}

async function startWorker(path: string | undefined, flags: WorkerFlags, { terminal }: CommandPlace): Promise<void> {
  const tell = createTeller(terminal, flags.json === true);
  const concurrency = parseWhole(flags.concurrency, '--concurrency', { min: 1, max: 10_000 });
  const leaseMs = parseSpan(flags.lease, '--lease');
  const graceMs = parseSpan(flags.grace, '--grace');
  const stopped = untilStopped();
  const work = await openWork({
    ...(flags.home === undefined ? {} : { home: flags.home }),
    ...(flags.project === undefined ? {} : { projectId: flags.project }),
    ...(flags.database === undefined ? {} : { database: flags.database }),
    onError: (error) => terminal.note(`tachograph: ${errorToLine(error)}`),
  });
  try {
    // Before the module is loaded: what it imports is then recorded.
    const stopCaptures = work.installCaptures();
    const agents = await readAgents(path, flags.sample === true);
    const worker = work.createWorker({
      agents: Object.fromEntries(Object.entries(agents).map(([id, each]) => [id, withTelling(each, tell)])),
      leaseMs,
      heartbeatMs: Math.ceil(leaseMs / 3),
      reapMs: Math.ceil(leaseMs / 3),
      environment: flags.environment ?? null,
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    if (flags.sample === true) await createSampleRun(work);
    const names = Object.keys(agents);
    tell({
      event: 'started',
      text: `worker ${worker.workerId}, process ${process.pid}, takes runs of ${names.map(toVisible).join(', ')} in project ${work.projectId}`,
      fields: { workerId: worker.workerId, pid: process.pid, projectId: work.projectId, agentIds: names },
    });
    await worker.start();
    const signal = await stopped;
    tell({
      event: 'stopping',
      text: `takes no more, waits ${graceMs / 1000} s for what is under way`,
      fields: { signal },
    });
    await worker.stop({ graceMs });
    stopCaptures();
    tell({ event: 'stopped', text: 'what was not done was given back', fields: {} });
  } finally {
    await work.close();
  }
}

/** `tachograph worker`: takes runs and does their work. */
export function addWorker(program: Command, place: CommandPlace): void {
  program
    .command('worker [module]')
    .description(
      'Take runs and do their work. The module’s default export names handlers by agent: { mailer: async (run, context) => … }.',
    )
    .option('--concurrency <n>', 'runs at a time (default: 10)')
    .option('--environment <name>', 'what it calls its environment, such as staging; tools may be bound to some')
    .option('--lease <time>', 'a worker that is silent for so long has lost its runs', '30s')
    .option('--grace <time>', 'how long runs under way are waited for when it is stopped', '10s')
    .option('--sample', 'take runs of the bundled sample agent, and create one')
    .addHelpText(
      'after',
      examples(
        'tachograph worker ./agents.mjs',
        'tachograph worker ./agents.mjs --concurrency 4 --json',
        'tachograph worker --sample',
      ),
    )
    .action(async (path: string | undefined, _flags: unknown, self: Command) =>
      startWorker(path, optionsOf<WorkerFlags>(self), place),
    );
}
