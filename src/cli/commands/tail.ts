import type { Command } from 'commander';
import { isTerminal } from '../../core/model/run.ts';
import { payloadOf, textField } from '../../core/import/reading.ts';
import type { StoredEvent } from '../../core/store.ts';
import { toShortId } from '../print/figures.ts';
import type { OpenedHome } from '../open.ts';
import type { Terminal } from '../print/terminal.ts';
import { toVisibleLine } from '../print/terminal.ts';
import type { CommandPlace } from './command.ts';
import { examples, optionsOf, withHome } from './command.ts';

const pollMs = 100;

/** One event as a line of `tail`. */
function toLine(event: StoredEvent, terminal: Terminal): string {
  const { runId, type, timeMs, stepId, attempt, facts } = event.header;
  const payload = payloadOf(event);
  const what =
    ['name', 'model', 'agentId', 'type', 'url'].map((key) => textField(payload, key)).find((text) => text !== null) ??
    '';
  const at = new Date(timeMs).toISOString().slice(11, 23);
  const place = `${stepId === null ? '' : ` step ${stepId.slice(-6)}`}${attempt === null ? '' : ` attempt ${attempt}`}`;
  const brief = facts === null ? '' : terminal.paint.dim(toVisibleLine(facts.replace(/"(\w+)":null,?/gu, ''), 100));
  return `${at} ${toShortId(runId)} ${terminal.paint.bold(type)}${place} ${toVisibleLine(what, 60)} ${brief}`.trimEnd();
}

function print(event: StoredEvent, isJson: boolean, terminal: Terminal): void {
  if (!isJson) {
    terminal.print(toLine(event, terminal));
    return;
  }
  const { header, payload, hash } = event;
  terminal.print(
    JSON.stringify({
      seq: event.seq,
      ...header,
      payload: payload === null ? null : payloadOf(event),
      hash: Buffer.from(hash).toString('hex'),
    }),
  );
}

/** Prints the events of one run after `fromSeq`; returns the next one to ask for. */
async function printNew(
  opened: OpenedHome,
  runId: string,
  fromSeq: number,
  show: (event: StoredEvent) => void,
): Promise<number> {
  let next = fromSeq;
  for (;;) {
    const events = await opened.store.listEvents(opened.projectId, runId, { fromSeq: next, limit: 500 });
    for (const event of events) show(event);
    if (events.length > 0) next = events.at(-1)!.seq + 1;
    if (events.length < 500) return next;
  }
}

async function tailRun(opened: OpenedHome, runId: string, show: (event: StoredEvent) => void): Promise<void> {
  let next = 1;
  for (;;) {
    await opened.indexer.catchUp();
    next = await printNew(opened, runId, next, show);
    if (isTerminal((await opened.store.getRun(opened.projectId, runId)).status)) return;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

async function tailAll(opened: OpenedHome, show: (event: StoredEvent) => void): Promise<void> {
  const nextByRun = new Map<string, number>();
  const recent = await opened.store.listRuns(opened.projectId, { includeDryRun: true }, { limit: 100 });
  for (const run of recent.items) nextByRun.set(run.id, run.lastSeq + 1);
  for (;;) {
    await opened.indexer.catchUp();
    const { items } = await opened.store.listRuns(opened.projectId, { includeDryRun: true }, { limit: 100 });
    for (const run of [...items].reverse()) {
      const next = nextByRun.get(run.id) ?? 1;
      if (run.lastSeq >= next) nextByRun.set(run.id, await printNew(opened, run.id, next, show));
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** `tachograph tail`: events as they happen. */
export function addTail(program: Command, place: CommandPlace): void {
  program
    .command('tail')
    .description('Follow events as they happen: of one run until it ends, or of all runs until stopped.')
    .argument('[run]', 'run id, the beginning of one, or "last"; left out: all runs')
    .addHelpText('after', examples('tachograph tail', 'tachograph tail last --json'))
    .action(async (reference: string | undefined, _flags: unknown, self: Command) => {
      const flags = optionsOf<object>(self);
      const show = (event: StoredEvent): void => print(event, flags.json === true, place.terminal);
      await withHome(flags, async (opened) => {
        if (reference === undefined) await tailAll(opened, show);
        else await tailRun(opened, (await opened.findRun(reference)).id, show);
      });
    });
}
