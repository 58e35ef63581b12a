import type { EndReason, RunView } from '../../model/run.ts';
import type { BlockReason, StepView } from '../../model/step.ts';
import { blockReasons } from '../../model/step.ts';
import { percentileOf } from '../../query/totals.ts';
import type { ToolClass } from '../agent.ts';
import { toolClasses } from '../agent.ts';
import type { ClassSource } from './tool-class.ts';
import { classSources } from './tool-class.ts';

/** One run with its tool steps, as a report reads it. */
export interface ReportedRun {
  readonly run: RunView;
  readonly toolSteps: readonly StepView[];
}

/** Calls of one tool with the same arguments. */
export interface ArgumentGroup {
  /** Keyed digest of the arguments; `null`: they were withheld or erased. */
  readonly inputDigest: string | null;
  readonly calls: number;
  /** The arguments as recorded, cut; `null` when they are not there. */
  readonly args: string | null;
  /** The newest of these calls. */
  readonly runId: string;
  readonly stepNumber: number;
  readonly journalSeq: number | null;
}

/** Calls of one tool that were kept from running for one reason. */
export interface KeptTool {
  readonly tool: string;
  /** `null`: the record does not say. */
  readonly class: ToolClass | null;
  readonly classSource: ClassSource | null;
  readonly blockReason: string | null;
  readonly calls: number;
  readonly runs: number;
  /** Most calls first. */
  readonly arguments: readonly ArgumentGroup[];
  /** Groups of arguments past those that are listed. */
  readonly argumentsLeftOut: number;
}

/** One side of a comparison. */
export interface SideFigures {
  readonly runs: number;
  readonly steps: number;
  readonly modelSteps: number;
  readonly toolSteps: number;
  readonly errors: number;
  /** Runs by the reason of their end; `open` for those without one. */
  readonly ends: Readonly<Partial<Record<EndReason | 'open', number>>>;
  /** `null` when any cost is unknown; `costKnownNanoUsd` sums the known ones (I12). */
  readonly costNanoUsd: number | null;
  readonly costKnownNanoUsd: number;
  readonly durationP50Ms: number | null;
  readonly durationP90Ms: number | null;
}

/** How often a tool is called on both sides, whether its calls ran or not. */
export interface ToolMix {
  readonly tool: string;
  readonly shadowCalls: number;
  readonly liveCalls: number;
  /** Calls per run; `null` on a side without runs. */
  readonly shadowPerRun: number | null;
  readonly livePerRun: number | null;
}

/** What the runs in shadow of a project or an agent would have done, and how they compare with those that acted. Plain JSON. */
export interface ShadowReport {
  readonly projectId: string;
  /** `null`: of all agents. */
  readonly agentId: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  /** Calls that live would have been made, by tool; most first. */
  readonly wouldHaveDone: readonly KeptTool[];
  /** Calls that would have been kept from their tools live too. */
  readonly blocked: readonly KeptTool[];
  /** Tools of which nobody says what they do: they count as destructive. */
  readonly unknown: readonly { readonly tool: string; readonly calls: number }[];
  readonly shadow: SideFigures;
  readonly live: SideFigures;
  /** By name. */
  readonly tools: readonly ToolMix[];
  /** There are more runs in the range than were read: the newest are reported. */
  readonly isCut: boolean;
}

/** What a report is made of. */
export interface ReportParts {
  readonly projectId: string;
  readonly agentId: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  /** Newest first. */
  readonly runs: readonly ReportedRun[];
  readonly isCut: boolean;
  /** Words of contents by id, of those that are shown. */
  readonly textById: ReadonlyMap<string, string>;
}

/** How many groups of arguments are listed per tool. */
export const argumentsShown = 20;
const argsCharsMax = 400;

/** Why calls are kept that would have been made live. */
const shadowReasons: ReadonlySet<string> = new Set<BlockReason>(
  blockReasons.filter((reason) => reason.startsWith('shadow_mode_')),
);

/** True for a call that live would have been made. */
export function isShadowed(step: StepView): boolean {
  return step.wasBlocked && step.blockReason !== null && shadowReasons.has(step.blockReason);
}

interface Call {
  readonly runId: string;
  readonly step: StepView;
}

const nameOf = ({ name }: StepView): string => name ?? '';

function guardOf({ metadata }: StepView): {
  readonly class: ToolClass | null;
  readonly classSource: ClassSource | null;
} {
  const told = metadata?.['guard'];
  const fields = typeof told === 'object' && told !== null ? (told as Readonly<Record<string, unknown>>) : {};
  return {
    class: toolClasses.find((known) => known === fields['class']) ?? null,
    classSource: classSources.find((known) => known === fields['classSource']) ?? null,
  };
}

function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function cutText(text: string | undefined): string | null {
  if (text === undefined) return null;
  return text.length <= argsCharsMax ? text : `${text.slice(0, argsCharsMax).toWellFormed()}…`;
}

function toArgumentGroups(calls: readonly Call[], textById: ReportParts['textById']): ArgumentGroup[] {
  const groups = [...groupBy(calls, ({ step }) => step.inputDigest ?? '').values()];
  groups.sort((a, b) => b.length - a.length);
  return groups.map((group) => {
    const { runId, step } = group[0]!;
    const { inputDigest, number, journalSeq } = step;
    const args = cutText(inputDigest === null ? undefined : textById.get(inputDigest));
    return { inputDigest, calls: group.length, args, runId, stepNumber: number, journalSeq };
  });
}

function toKeptTools(calls: readonly Call[], textById: ReportParts['textById']): KeptTool[] {
  const groups = groupBy(calls, ({ step }) => JSON.stringify([nameOf(step), step.blockReason]));
  const kept = [...groups.values()].map((group): KeptTool => {
    const { step } = group[0]!;
    const all = toArgumentGroups(group, textById);
    return {
      tool: nameOf(step),
      ...guardOf(step),
      blockReason: step.blockReason,
      calls: group.length,
      runs: new Set(group.map(({ runId }) => runId)).size,
      arguments: all.slice(0, argumentsShown),
      argumentsLeftOut: Math.max(0, all.length - argumentsShown),
    };
  });
  return kept.sort((a, b) => b.calls - a.calls || (a.tool < b.tool ? -1 : 1));
}

/** The contents whose words a report of these runs shows: the arguments of the calls that were kept. */
export function reportToContents(runs: readonly ReportedRun[]): readonly { runId: string; contentId: string }[] {
  const runIdByContent = new Map<string, string>();
  for (const { run, toolSteps } of runs)
    for (const step of toolSteps)
      if (run.shadow && step.wasBlocked && step.inputDigest !== null && !runIdByContent.has(step.inputDigest))
        runIdByContent.set(step.inputDigest, run.id);
  return [...runIdByContent].map(([contentId, runId]) => ({ runId, contentId }));
}

function toFigures(runs: readonly RunView[]): SideFigures {
  const sum = (of: (run: RunView) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const ends: Partial<Record<EndReason | 'open', number>> = {};
  for (const { endReason } of runs) ends[endReason ?? 'open'] = (ends[endReason ?? 'open'] ?? 0) + 1;
  const durations = runs.flatMap(({ durationMs }) => durationMs ?? []).sort((a, b) => a - b);
  const costKnownNanoUsd = sum((run) => run.costKnownNanoUsd);
  return {
    runs: runs.length,
    steps: sum(({ counts }) => counts.steps),
    modelSteps: sum(({ counts }) => counts.modelSteps),
    toolSteps: sum(({ counts }) => counts.toolSteps),
    errors: sum(({ counts }) => counts.errors),
    ends,
    costNanoUsd: runs.some((run) => run.costNanoUsd === null) ? null : costKnownNanoUsd,
    costKnownNanoUsd,
    durationP50Ms: percentileOf(durations, 50),
    durationP90Ms: percentileOf(durations, 90),
  };
}

function toToolMix(shadow: readonly ReportedRun[], live: readonly ReportedRun[]): ToolMix[] {
  const namesOf = (runs: readonly ReportedRun[]): string[] => runs.flatMap(({ toolSteps }) => toolSteps.map(nameOf));
  const shadowByName = groupBy(namesOf(shadow), (name) => name);
  const liveByName = groupBy(namesOf(live), (name) => name);
  const perRun = (calls: number, runs: number): number | null => (runs === 0 ? null : calls / runs);
  return [...new Set([...shadowByName.keys(), ...liveByName.keys()])].sort().map((tool) => {
    const shadowCalls = shadowByName.get(tool)?.length ?? 0;
    const liveCalls = liveByName.get(tool)?.length ?? 0;
    return {
      tool,
      shadowCalls,
      liveCalls,
      shadowPerRun: perRun(shadowCalls, shadow.length),
      livePerRun: perRun(liveCalls, live.length),
    };
  });
}

function toUnknown(calls: readonly Call[]): { tool: string; calls: number }[] {
  const unsaid = calls.filter(({ step }) => [null, 'nobody'].includes(guardOf(step).classSource));
  const groups = [...groupBy(unsaid, ({ step }) => nameOf(step))];
  return groups.map(([tool, group]) => ({ tool, calls: group.length })).sort((a, b) => b.calls - a.calls);
}

/** The report of these runs. */
export function toShadowReport(parts: ReportParts): ShadowReport {
  const { projectId, agentId, sinceMs, untilMs, runs, isCut, textById } = parts;
  const shadow = runs.filter(({ run }) => run.shadow);
  const live = runs.filter(({ run }) => !run.shadow);
  const kept = shadow.flatMap(({ run, toolSteps }) =>
    toolSteps.filter((step) => step.wasBlocked).map((step): Call => ({ runId: run.id, step })),
  );
  const shadowed = kept.filter(({ step }) => isShadowed(step));
  return {
    projectId,
    agentId,
    sinceMs,
    untilMs,
    wouldHaveDone: toKeptTools(shadowed, textById),
    blocked: toKeptTools(
      kept.filter(({ step }) => !isShadowed(step)),
      textById,
    ),
    unknown: toUnknown(shadowed),
    shadow: toFigures(shadow.map(({ run }) => run)),
    live: toFigures(live.map(({ run }) => run)),
    tools: toToolMix(shadow, live),
    isCut,
  };
}
