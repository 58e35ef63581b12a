import { cutAround } from '../../core/difference/json-changes.ts';
import type { JsonChange } from '../../core/difference/json-changes.ts';
import type { Deltas, RunDifference, StepBrief, StepRow } from '../../core/difference/run-difference.ts';
import type { StepDifference } from '../../core/difference/step-difference.ts';
import { notAvailable, toDuration, toMoney, toPlural, toShortId } from './figures.ts';
import type { Terminal } from './terminal.ts';
import { toVisible, toVisibleLine } from './terminal.ts';

const valueCharsMax = 240;
const changesShown = 12;

const toSigned = (value: number | null, show: (magnitude: number) => string): string =>
  value === null ? notAvailable : value === 0 ? '±0' : `${value > 0 ? '+' : '−'}${show(Math.abs(value))}`;

function toDeltaLine(delta: Deltas): string {
  const count = (value: number): string => value.toLocaleString('en-US');
  return [
    `input ${toSigned(delta.inputTokens, count)}`,
    `output ${toSigned(delta.outputTokens, count)}`,
    `cost ${toSigned(delta.costNanoUsd, toMoney)}`,
    `time ${toSigned(delta.durationMs, toDuration)}`,
  ].join(', ');
}

/** One step in a few words. */
function toWords(step: StepBrief): string {
  const what = step.kind === 'model' ? (step.model ?? step.operation ?? 'model') : (step.name ?? step.kind);
  return `${step.kind} ${what}${step.status === 'completed' ? '' : ` (${step.status})`}`;
}

function toRowLine({ a, b, differs }: StepRow): string {
  const numbers = `${(a === null ? '' : `${a.number}`).padStart(5)} ${(b === null ? '' : `${b.number}`).padStart(5)}`;
  const what = toVisibleLine(toWords((a ?? b)!), 60);
  const word = a === null ? 'only in the second' : b === null ? 'only in the first' : differs.join(', ');
  return `${numbers}  ${what}${word === '' ? '' : `  ${word}`}`;
}

/** A change as three lines: the path, what was there, what is. */
export function printChange(change: JsonChange, terminal: Terminal): void {
  const cut =
    change.before === null || change.after === null
      ? { before: change.before?.slice(0, valueCharsMax), after: change.after?.slice(0, valueCharsMax) }
      : cutAround(change.before, change.after, valueCharsMax);
  terminal.print(`    at ${toVisibleLine(change.path === '' ? 'the value itself' : change.path, 120)}`);
  for (const [sign, text] of [['-', cut.before] as const, ['+', cut.after] as const])
    terminal.print(
      `      ${sign} ${text === undefined ? '(nothing)' : toVisible(text).replaceAll('\n', '\n        ')}`,
    );
}

/** What a step differs in, word for word. */
export function printStepDifference(difference: StepDifference, terminal: Terminal): void {
  const { messages, changes } = difference;
  let left = changesShown;
  for (const row of messages?.rows ?? []) {
    if (left <= 0) break;
    const message = row.a ?? row.b!;
    if (row.a !== null && row.b !== null && row.changes.length === 0) continue;
    const place = `message ${message.index + 1} (${message.role})`;
    if (row.a === null || row.b === null) {
      terminal.print(`  ${place} is only in the ${row.a === null ? 'second' : 'first'}`);
      terminal.print(`      ${row.a === null ? '+' : '-'} ${toVisibleLine(message.text, valueCharsMax)}`);
      left -= 1;
      continue;
    }
    terminal.print(`  ${place} differs`);
    for (const change of row.changes.slice(0, left)) printChange(change, terminal);
    left -= row.changes.length;
  }
  for (const change of changes.slice(0, Math.max(1, left))) {
    terminal.print(`  ${change.field} differs`);
    printChange(change, terminal);
  }
}

/** Two runs side by side, as far as they differ. */
export function printRunDifference(difference: RunDifference, terminal: Terminal): void {
  const { a, b, rows, firstAt, delta } = difference;
  terminal.print(`first   ${toShortId(a.id)}  ${toVisibleLine(a.agentId, 40)}  ${toPlural(a.counts.steps, 'step')}`);
  terminal.print(`second  ${toShortId(b.id)}  ${toVisibleLine(b.agentId, 40)}  ${toPlural(b.counts.steps, 'step')}`);
  terminal.print(`second less first: ${toDeltaLine(delta)}`);
  if (firstAt === null) {
    terminal.print(`The two runs are the same in all ${toPlural(rows.length, 'step')}.`);
    return;
  }
  terminal.print('');
  terminal.print('first second');
  const shown = rows
    .map((row, at) => ({ row, at }))
    .filter(({ row }) => row.a === null || row.b === null || row.differs.length > 0);
  if (firstAt > 0) terminal.print(`             ${toPlural(firstAt, 'step')} the same`);
  for (const { row, at } of shown.slice(0, 200))
    terminal.print(`${toRowLine(row)}${at === firstAt ? '  ◄ first divergence' : ''}`);
  if (shown.length > 200) terminal.print(`             and ${shown.length - 200} more that differ`);
}
