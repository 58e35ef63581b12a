import type { AttemptDetail, StepCost, WireMessage, WirePart } from '../../server/wire.ts';
import { notAvailable, toCost, toCostSource, toDuration, toTime } from './figures.ts';
import type { StepReading } from '../step-reading.ts';
import type { Terminal } from './terminal.ts';
import { toVisible } from './terminal.ts';

const toJson = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

function partToText(part: WirePart): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'reasoning':
      return `(reasoning) ${part.text}`;
    case 'tool-call':
      return `→ ${part.name} ${toJson(part.args)}`;
    case 'tool-result':
      return `← ${part.name ?? 'result'}${part.isError ? ' (error)' : ''} ${toJson(part.result)}`;
    case 'file':
      return `[file ${part.name ?? part.mediaType ?? ''} ${part.bytes === null ? '' : `${part.bytes} bytes`}]`;
    case 'source':
      return `[source ${part.title ?? ''} ${part.url ?? ''}]`;
    case 'other':
      return toJson(part.value);
  }
}

/** Recorded text, indented, with whatever could steer a terminal made visible. */
function printBlock(text: string, terminal: Terminal, indent = '    '): void {
  for (const line of toVisible(text).split('\n')) terminal.print(`${indent}${line}`);
}

function printMessage(message: WireMessage, terminal: Terminal): void {
  const { paint } = terminal;
  const mark = message.isNew ? paint.green('new ') : '';
  terminal.print(`  ${paint.bold(`${message.index + 1} ${message.role}`)} ${mark}`.trimEnd());
  for (const part of message.parts) printBlock(partToText(part), terminal);
}

function printAttempt({ attempt, requestBody, responseBody }: AttemptDetail, terminal: Terminal): void {
  const { paint } = terminal;
  const wait = attempt.retryDelayMs === null ? '' : ` · then waited ${toDuration(attempt.retryDelayMs)}`;
  terminal.print(
    `  ${paint.bold(`attempt ${attempt.number}`)} ${attempt.status ?? 'under way'} ${attempt.responseStatus ?? ''} ${paint.dim(`${toDuration(attempt.durationMs)}${wait}`)}`,
  );
  terminal.print(`    ${toVisible(`${attempt.method ?? ''} ${attempt.url ?? ''}`).trim()}`);
  for (const [name, value] of Object.entries(attempt.responseHeaders ?? {}))
    terminal.print(`    ${paint.dim(toVisible(`${name}: ${value}`))}`);
  if (attempt.error !== null)
    printBlock(paint.red(toVisible(`${attempt.error.name}: ${attempt.error.message}`)), terminal);
  if (requestBody !== null) {
    terminal.print(`    ${paint.dim('request')}`);
    printBlock(requestBody, terminal, '      ');
  }
  if (responseBody !== null) {
    terminal.print(`    ${paint.dim('response')}`);
    printBlock(responseBody, terminal, '      ');
  }
}

function toCostWords(cost: StepCost | null): string {
  const source = toCostSource(cost);
  return `cost ${toCost(cost)}${source === null ? '' : ` (${source})`}`;
}

function printUsage({ detail }: StepReading, terminal: Terminal): void {
  const { usage } = detail.step;
  if (usage === null) {
    terminal.print(`  tokens ${notAvailable} · ${toCostWords(detail.step.cost)}`);
    return;
  }
  const { input, output } = usage;
  const show = (value: number | null): string => (value === null ? notAvailable : String(value));
  terminal.print(
    `  input ${show(input.total)} (not cached ${show(input.noCache)}, cache read ${show(input.cacheRead)}, cache write ${show(input.cacheWrite)})`,
  );
  terminal.print(
    `  output ${show(output.total)} (text ${show(output.text)}, reasoning ${show(output.reasoning)}) · ${toCostWords(detail.step.cost)}`,
  );
}

/** Prints a step in full: what the model saw, what came back, and every attempt. */
export function printStep(reading: StepReading, terminal: Terminal): void {
  const { paint } = terminal;
  const { detail, context, attempts } = reading;
  const { step } = detail;
  const what = [step.kind, step.operation, step.name ?? step.model].filter((word) => word !== null).join(' ');
  terminal.print(
    `${paint.bold(`step ${step.number}`)} ${toVisible(what)} · ${step.status} · ${toDuration(step.durationMs)} · ${toTime(step.startedAtMs)} UTC`,
  );
  if (step.kind === 'model') printUsage(reading, terminal);
  if (step.prefixBreak !== null)
    terminal.print(
      `  ${paint.yellow(`prefix break at message ${step.prefixBreak.atIndex + 1}: the prompt cache was lost there`)}`,
    );
  if (step.error !== null)
    printBlock(paint.red(toVisible(`${step.error.name}: ${step.error.message}`)), terminal, '  ');
  if (context.messages.length > 0) terminal.print(paint.dim('conversation'));
  for (const message of context.messages) printMessage(message, terminal);
  if (context.tools.length > 0)
    terminal.print(`${paint.dim('tools')} ${toVisible(context.tools.map((tool) => tool.name ?? '?').join(', '))}`);
  for (const [title, content] of [
    ['arguments', detail.args],
    ['request', detail.request],
    ['result', detail.result],
  ] as const) {
    if (content === null) continue;
    terminal.print(paint.dim(title));
    printBlock(toJson(content.value ?? content.raw), terminal, '  ');
  }
  if (detail.responseParts.length > 0) {
    terminal.print(paint.dim('output'));
    for (const part of detail.responseParts) printBlock(partToText(part), terminal, '  ');
  }
  if (attempts.length > 0) terminal.print(paint.dim('attempts'));
  for (const attempt of attempts) printAttempt(attempt, terminal);
}
