import { sumOfRuns } from '../../core/cost/sum.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import type { Verdict } from '../../core/verify/verdict.ts';
import { toCost, toCostSum, toDuration, toPlural, toRunCost, toShortId, toTime, toTokens } from './figures.ts';
import { toStatus } from './run-row.ts';
import type { RunTreeView, TreeStep } from './run-tree.ts';
import type { Paint, Terminal } from './terminal.ts';
import { toVisibleLine } from './terminal.ts';

/** `intact, complete` in colours, or what is wrong. */
export function toVerdictLine(verdict: Verdict, paint: Paint): string {
  const { intact, complete } = verdict;
  const isGood = intact.verdict === 'intact';
  const isOpen = intact.verdict === 'unsealed';
  const first = isGood ? paint.green('intact') : isOpen ? paint.yellow('unsealed') : paint.red(intact.verdict);
  const erased = intact.erased > 0 ? `, ${intact.erased} erased` : '';
  const second = complete.verdict === 'complete' ? paint.green('complete') : paint.yellow('incomplete');
  return `${first}${erased}, ${second}`;
}

/** Prints the outcome and totals of a run. */
export function printRunHeader(tree: RunTreeView, verdict: Verdict, terminal: Terminal): void {
  const { paint } = terminal;
  const { run } = tree;
  const { counts } = run;
  const name = run.name === null ? '' : ` "${toVisibleLine(run.name, 60)}"`;
  terminal.print(`${paint.bold(`run ${run.id}`)}${name}`);
  terminal.print(
    `  ${toStatus(run, paint)} · agent ${toVisibleLine(run.agentId, 40)} · ${toTime(run.startedAtMs ?? run.createdAtMs)} UTC · ${toDuration(run.durationMs)}`,
  );
  if (run.errorDetail !== null)
    terminal.print(`  ${paint.red(toVisibleLine(`${run.errorCode ?? 'error'}: ${run.errorDetail}`, 200))}`);
  const totals = [
    toPlural(counts.steps, 'step'),
    `${toPlural(counts.attempts, 'attempt')}${counts.retries > 0 ? ` (${counts.retries === 1 ? '1 retry' : `${counts.retries} retries`})` : ''}`,
    `tokens ${toTokens(run.usage)}`,
    `cost ${toRunCost(run)}`,
    ...childCost(tree),
    ...(counts.errors > 0 ? [paint.red(toPlural(counts.errors, 'error'))] : []),
    ...(counts.interrupted > 0 ? [paint.yellow(`${counts.interrupted} interrupted`)] : []),
    ...(counts.gaps + counts.missing > 0 ? [paint.red(toPlural(counts.gaps + counts.missing, 'gap'))] : []),
    ...(counts.late > 0 ? [`${counts.late} late`] : []),
  ];
  terminal.print(`  ${totals.join(' · ')}`);
  const redacted = Object.entries(run.redactions).map(([kind, count]) => `${kind} ×${count}`);
  if (redacted.length > 0) terminal.print(`  redacted: ${redacted.join(', ')}`);
  terminal.print(`  record: ${toVerdictLine(verdict, paint)}`);
  if (verdict.intact.verdict !== 'intact' && verdict.intact.verdict !== 'unsealed')
    terminal.print(`  ${paint.red(verdict.intact.message)}`);
  if (verdict.complete.verdict === 'incomplete') terminal.print(`  ${paint.dim(verdict.complete.message)}`);
}

/** All runs below a run. */
export function childRuns(tree: RunTreeView): RunView[] {
  const below = [...tree.children, ...tree.steps.flatMap(({ children }) => children)];
  return below.flatMap((child) => [child.run, ...childRuns(child)]);
}

/** What the runs below cost, apart from the run's own cost. */
function childCost(tree: RunTreeView): string[] {
  const runs = childRuns(tree);
  if (runs.length === 0) return [];
  return [`${toPlural(runs.length, 'child run')}: ${toCostSum(sumOfRuns(runs))}`];
}

function toMark(step: StepView, paint: Paint): string {
  if (step.status === 'completed') return paint.green('✓');
  if (step.status === 'error') return paint.red('✗');
  return step.status === 'interrupted' ? paint.yellow('!') : paint.blue('…');
}

function toLabel(step: StepView): string {
  if (step.kind === 'model')
    return `${step.operation ?? 'model'} ${toVisibleLine(step.model ?? step.requestedModel ?? '', 40)}`.trim();
  return `${step.kind} ${toVisibleLine(step.name ?? '', 40)}`.trim();
}

function toStepLine({ step }: TreeStep, paint: Paint): string {
  const facts = [
    toDuration(step.durationMs),
    ...(step.kind === 'model' ? [toTokens(step.usage)] : []),
    ...(step.cost === null ? [] : [toCost(step.cost)]),
    ...(step.late ? ['late'] : []),
    ...(step.prefixBreak === null ? [] : [paint.yellow(`prefix break at message ${step.prefixBreak.atIndex + 1}`)]),
  ];
  const isCutShort = step.status === 'interrupted' && step.preview !== null;
  const isShown = step.error === null || isCutShort;
  const said = isShown
    ? toVisibleLine(step.preview ?? '', 60)
    : paint.red(toVisibleLine(`${step.error!.name}: ${step.error!.message}`, 80));
  return `${toMark(step, paint)} ${step.number} ${toLabel(step)}  ${paint.dim(facts.join(' · '))}${said === '' ? '' : `  ${said}`}`;
}

function toAttemptLine(attempt: AttemptView, paint: Paint): string {
  const status = attempt.responseStatus === null ? (attempt.status ?? 'under way') : String(attempt.responseStatus);
  const shown = attempt.status === 'failed' ? paint.red(status) : paint.green(status);
  const wait = attempt.retryDelayMs === null ? '' : ` · waited ${toDuration(attempt.retryDelayMs)}`;
  const why = attempt.retryClass === null ? '' : ` · ${attempt.retryClass}`;
  const error = attempt.error === null ? '' : `  ${toVisibleLine(attempt.error.message, 80)}`;
  return `attempt ${attempt.number}: ${shown}  ${paint.dim(`${toDuration(attempt.durationMs)}${why}${wait}`)}${error}`;
}

function printRun(tree: RunTreeView, terminal: Terminal, indent: string): void {
  const { paint } = terminal;
  for (const node of tree.steps) {
    terminal.print(`${indent}${toStepLine(node, paint)}`);
    // A single attempt that went well says nothing that the step does not.
    const isPlain = node.attempts.length === 1 && node.attempts[0]!.status === 'completed';
    if (!isPlain) for (const attempt of node.attempts) terminal.print(`${indent}    ${toAttemptLine(attempt, paint)}`);
    for (const child of node.children) printChild(child, terminal, `${indent}    `);
  }
  for (const child of tree.children) printChild(child, terminal, indent);
}

function printChild(tree: RunTreeView, terminal: Terminal, indent: string): void {
  const { run } = tree;
  const { paint } = terminal;
  terminal.print(
    `${indent}↳ run ${toShortId(run.id)} ${toVisibleLine(run.agentId, 40)} ${toStatus(run, paint)}  ${paint.dim(`${toDuration(run.durationMs)} · ${toTokens(run.usage)}`)}`,
  );
  printRun(tree, terminal, `${indent}  `);
}

/** Prints the steps of a run, their attempts where they tell something, and child runs below the steps that began them. */
export function printTree(tree: RunTreeView, terminal: Terminal): void {
  printRun(tree, terminal, '  ');
}
