import type { Command } from 'commander';
import { TachographError } from '../../../core/error.ts';
import { isTerminal } from '../../../core/model/run.ts';
import type { RunRequest } from '../../../core/work/request.ts';
import { parseRunRequest } from '../../../core/work/request.ts';
import type { WorkRow } from '../../../core/work/work.ts';
import type { CommandPlace, GlobalOptions } from '../../commands/command.ts';
import { collect, examples, exitStatus, optionsOf, printJson } from '../../commands/command.ts';
import { parseSpan } from '../../commands/filter-options.ts';
import { toVisible } from '../../print/terminal.ts';
import type { WorkHome } from '../with-work.ts';
import { parseJson, parseWhole, withWork } from '../with-work.ts';

interface CreateFlags extends GlobalOptions {
  readonly input?: string;
  readonly key?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly caller?: string;
  readonly session?: string;
  readonly parent?: string;
  readonly priority?: string;
  readonly after?: string;
  readonly attempts?: string;
  readonly timeout?: string;
  readonly attemptTimeout?: string;
  readonly startTimeout?: string;
  readonly shadow?: boolean;
  readonly dryRun?: boolean;
  readonly redrivable?: boolean;
  readonly wait?: boolean;
}

/** Seconds of a span; `none` is none, which differs from leaving it out. */
function parseSeconds(text: string | undefined, flag: string): number | null | undefined {
  if (text === undefined) return undefined;
  return text === 'none' ? null : parseSpan(text, flag) / 1000;
}

function parseLabels(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  return pairs === undefined
    ? undefined
    : Object.fromEntries(
        pairs.map((pair) => {
          const at = pair.indexOf('=');
          if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
          throw new TachographError('bad-argument', `--label ${JSON.stringify(pair)} is no key=value.`);
        }),
      );
}

function flagsToRequest(agentId: string, flags: CreateFlags): RunRequest {
  return parseRunRequest({
    agentId,
    triggerType: 'cli',
    input: parseJson(flags.input, '--input'),
    idempotencyKey: flags.key,
    name: flags.name,
    labels: parseLabels(flags.label),
    callerId: flags.caller,
    sessionId: flags.session,
    parentRunId: flags.parent,
    priority: parseWhole(flags.priority, '--priority', { min: -1000, max: 1000 }),
    availableAtMs: flags.after === undefined ? undefined : Date.now() + parseSpan(flags.after, '--after'),
    attemptsMax: parseWhole(flags.attempts, '--attempts', { min: 1, max: 100 }),
    timeoutSeconds: parseSeconds(flags.timeout, '--timeout'),
    attemptTimeoutSeconds: parseSeconds(flags.attemptTimeout, '--attempt-timeout'),
    startTimeoutSeconds: parseSeconds(flags.startTimeout, '--start-timeout'),
    shadow: flags.shadow,
    dryRun: flags.dryRun,
    isRedrivable: flags.redrivable,
  });
}

const lookMs = 200;

/** The run once it has ended. */
export async function untilEnded({ work, projectId }: WorkHome, runId: string): Promise<WorkRow> {
  for (;;) {
    const row = await work.get(projectId, runId);
    if (row === null) throw new TachographError('run-not-found', `Run ${runId} is gone.`);
    if (isTerminal(row.state)) return row;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** `tachograph create`: a run for a worker to take. */
export function addCreateRun(program: Command, place: CommandPlace): void {
  program
    .command('create <agent>')
    .description('Create a run for a worker to take, and print its id.')
    .option('--input <json>', 'what the agent is given: JSON, or @file')
    .option('--key <key>', 'of several creations with one key, one is a run')
    .option('--name <name>', 'what it is called')
    .option('--label <key=value>', 'a label; may be given several times', collect)
    .option('--caller <id>', 'for whom it runs')
    .option('--session <id>', 'the conversation that it belongs to')
    .option('--parent <run>', 'the run that starts it, by its whole id')
    .option('--priority <n>', '-1000 to 1000, higher first (default: 0)')
    .option('--after <time>', 'not before so long, such as 10m')
    .option('--attempts <n>', 'attempts, 1 to 100 (default: 3)')
    .option('--timeout <time>', 'all attempts together, or none (default: 10m)')
    .option('--attempt-timeout <time>', 'each attempt, or none (default: none)')
    .option('--start-timeout <time>', 'until a worker takes it, or none (default: none)')
    .option('--shadow', 'what changes the world is answered for, not done')
    .option('--dry-run', 'a trial, left out of lists and totals')
    .option('--redrivable', 'should it fail, keep what it needs to be driven again, encrypted')
    .option('--wait', 'wait for its end; status 1 unless it completed')
    .addHelpText(
      'after',
      examples(
        `tachograph create mailer --input '{"to":"ada"}' --key order-4417`,
        'tachograph create nightly-report --after 2h --timeout 30m --wait',
      ),
    )
    .action(async (agentId: string, _flags: unknown, self: Command) => {
      const flags = optionsOf<CreateFlags>(self);
      const request = flagsToRequest(agentId, flags);
      await withWork(flags, async (home) => {
        const created = await home.runs.create(request);
        const { terminal } = place;
        if (flags.wait !== true) {
          if (flags.json === true) printJson(terminal, created);
          else terminal.print(created.runId);
          if (created.duplicate && flags.json !== true)
            terminal.note('The key has this run already; none was created.');
          return;
        }
        if (flags.json !== true) terminal.note(`Run ${created.runId} waits for a worker of ${toVisible(agentId)} …`);
        const { state, endReason, errorCode } = await untilEnded(home, created.runId);
        if (flags.json === true) printJson(terminal, { ...created, state, endReason, errorCode });
        else terminal.print(`${created.runId} ${state}${errorCode === null ? '' : ` [${errorCode}]`}`);
        if (state !== 'completed') place.exit(exitStatus.wanting);
      });
    });
}
