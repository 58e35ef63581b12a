import type { ToolClass } from '../../core/work/agent.ts';
import type { KeptTool, ShadowReport, SideFigures } from '../../core/work/shadow/report.ts';
import type { ClassSource } from '../../core/work/shadow/tool-class.ts';
import { notAvailable, toCostSum, toDuration, toPlural, toShortId, toTime } from './figures.ts';
import { toTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { toVisibleLine } from './terminal.ts';

const nameColumns = 60;

const sourceWords: Readonly<Record<ClassSource, string>> = {
  registration: 'as registered',
  hints: 'by its own hints',
  name: 'by its name',
  nobody: 'nobody says',
};

function toClassWords(toolClass: ToolClass | null, source: ClassSource | null): string {
  if (toolClass === null) return 'class not recorded';
  return source === null ? toolClass : `${toolClass}, ${sourceWords[source]}`;
}

function printKept(kept: KeptTool, terminal: Terminal): void {
  const { tool, calls, runs, blockReason } = kept;
  const words = toClassWords(kept.class, kept.classSource);
  terminal.print(
    `  ${toVisibleLine(tool, nameColumns)}  ${toPlural(calls, 'call')} in ${toPlural(runs, 'run')}  (${words}; ${toVisibleLine(blockReason ?? 'no reason recorded', nameColumns)})`,
  );
  for (const { calls: count, args, inputDigest, runId, stepNumber } of kept.arguments) {
    const place = `step ${stepNumber} of ${toShortId(runId)}`;
    const digest = inputDigest === null ? '' : `${inputDigest.slice(0, 12)}  `;
    const shown = args === null ? '(arguments not kept)' : toVisibleLine(args, Math.max(40, terminal.width - 50));
    terminal.print(`    ${count} ×  ${digest}${shown}  ${terminal.paint.dim(place)}`);
  }
  if (kept.argumentsLeftOut > 0) terminal.print(`    and ${kept.argumentsLeftOut} more with other arguments`);
}

function toPerRun(calls: number, perRun: number | null): string {
  return perRun === null ? notAvailable : `${calls} (${perRun.toFixed(2)} a run)`;
}

function toAverage(sum: number, runs: number): string {
  return runs === 0 ? notAvailable : (sum / runs).toFixed(1);
}

function toEnds({ ends }: SideFigures): string {
  const parts = Object.entries(ends).map(([reason, count]) => `${reason} ${count}`);
  return parts.length === 0 ? notAvailable : parts.join(', ');
}

function printComparison({ shadow, live, tools }: ShadowReport, terminal: Terminal): void {
  const row = (name: string, of: (side: SideFigures) => string): string[] => [name, of(shadow), of(live)];
  const columns = [{ heading: '' }, { heading: 'shadow' }, { heading: 'live' }] as const;
  const figures = [
    row('runs', ({ runs }) => String(runs)),
    row('ends', toEnds),
    row('steps a run', ({ steps, runs }) => toAverage(steps, runs)),
    row('model calls a run', ({ modelSteps, runs }) => toAverage(modelSteps, runs)),
    row('tool calls a run', ({ toolSteps, runs }) => toAverage(toolSteps, runs)),
    row('errors', ({ errors }) => String(errors)),
    row('cost', (side) => (side.runs === 0 ? notAvailable : toCostSum(side))),
    row('duration, median', ({ durationP50Ms }) => toDuration(durationP50Ms)),
    row('duration, 90 %', ({ durationP90Ms }) => toDuration(durationP90Ms)),
    ...tools.map(({ tool, shadowCalls, liveCalls, shadowPerRun, livePerRun }) => [
      toVisibleLine(tool, nameColumns),
      toPerRun(shadowCalls, shadowPerRun),
      toPerRun(liveCalls, livePerRun),
    ]),
  ];
  for (const line of toTable(columns, figures)) terminal.print(line);
}

/** What runs in shadow would have done, and how they compare with those that acted, for a terminal. */
export function printShadowReport(report: ShadowReport, terminal: Terminal): void {
  const { projectId, agentId, sinceMs, untilMs, wouldHaveDone, blocked, unknown, shadow, live, isCut } = report;
  const { bold, yellow } = terminal.paint;
  const who = agentId === null ? `project ${projectId}` : `agent ${toVisibleLine(agentId, nameColumns)}`;
  const since = sinceMs === null ? '' : ` since ${toTime(sinceMs)} UTC`;
  const until = untilMs === null ? '' : ` until ${toTime(untilMs)} UTC`;
  terminal.print(bold(`Shadow report of ${who}${since}${until}`));
  terminal.print(`${toPlural(shadow.runs, 'run')} in shadow, ${live.runs} live`);
  if (isCut) terminal.print(yellow('There are more runs in this time; the newest are reported.'));
  terminal.print('');
  terminal.print(bold('What would have been done'));
  if (wouldHaveDone.length === 0) terminal.print('  nothing: no call was kept from its tool for being in shadow');
  for (const kept of wouldHaveDone) printKept(kept, terminal);
  if (blocked.length > 0) {
    terminal.print('');
    terminal.print(bold('What would have been blocked live too'));
    for (const kept of blocked) printKept(kept, terminal);
  }
  if (unknown.length > 0) {
    terminal.print('');
    const names = unknown.map(({ tool, calls }) => `${toVisibleLine(tool, nameColumns)} (${calls})`).join(', ');
    terminal.print(yellow(`Nobody says what these tools do, so they count as destructive: ${names}.`));
    terminal.print('Register each with its class; those that only read will then really run in shadow.');
  }
  terminal.print('');
  printComparison(report, terminal);
}
