import type { Recorder } from '../../core/record/recording.ts';
import type { RegisteredTool, ToolClass } from '../../core/work/agent.ts';
import type { CallVerdict } from '../../core/work/shadow/interception.ts';
import { verdictToFinish, verdictToMetadata } from '../../core/work/shadow/interception.ts';
import type { RecordedResults } from '../../core/work/shadow/recorded-results.ts';
import type { ClassSource } from '../../core/work/shadow/tool-class.ts';
import { createToolDesk } from './desk.ts';

/** What shadow would do with one tool of an agent. */
export interface RehearsedTool {
  readonly name: string;
  readonly class: ToolClass;
  readonly classSource: ClassSource;
  readonly action: CallVerdict['action'];
  readonly blockReason: string | null;
}

/** A rehearsal: the dry run that it is recorded as, and its tools in the order of the run's journal. */
export interface Rehearsal {
  readonly runId: string;
  readonly tools: readonly RehearsedTool[];
}

/** What a rehearsal is of. */
export interface RehearsalParts {
  readonly recorder: Recorder;
  readonly agentId: string;
  readonly tools: readonly RegisteredTool[];
  readonly environment?: string | null;
  readonly recorded?: RecordedResults;
}

/**
 * Goes through an agent's registered tools without a model: each is journaled with what shadow would do, in a dry run. No
 * tool is called, so none of the steps is a success; those that shadow would let through are only skipped.
 */
export function rehearse({ recorder, agentId, ...of }: RehearsalParts): Rehearsal {
  const desk = createToolDesk({ mode: 'shadow', ...of });
  const run = recorder.startRun({
    agentId,
    name: 'rehearsal',
    capture: 'rehearsal',
    dryRun: true,
    shadow: true,
    governed: true,
    parent: null,
  });
  const tools = of.tools.map(({ name }): RehearsedTool => {
    const verdict = desk.decide(name, {});
    const step = run.tool({ name });
    step.finish(
      verdict.action === 'run'
        ? { status: 'completed', resultStatus: 'skipped', metadata: { ...verdictToMetadata(verdict) } }
        : verdictToFinish(verdict),
    );
    const blockReason = verdict.action === 'run' ? null : verdict.blockReason;
    return { name, class: verdict.class, classSource: verdict.classSource, action: verdict.action, blockReason };
  });
  run.close({ endReason: 'ok' });
  return { runId: run.id, tools };
}
