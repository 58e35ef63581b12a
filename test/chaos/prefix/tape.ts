import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createIdSource } from '../../../src/core/id.ts';
import { createRecorder } from '../../../src/core/record/recorder.ts';
import type { Recorder, RunRecorder, RunStart, StepRecorder } from '../../../src/core/record/recording.ts';
import { createJournal, openHome, readOrCreateKey } from '../../../src/journal/index.ts';

/** What a recording program knew when a call of its recorder had returned: a line of the ledger. */
export interface Told {
  /** Whose file: the writer in its name. */
  readonly writerId: string;
  /** How long the file was then. All up to there was acknowledged. */
  readonly bytes: number;
  readonly runId: string;
  readonly what: 'run' | 'begin' | 'end' | 'log' | 'close';
  readonly stepId?: string;
  /** Of an end: what it ended as. */
  readonly status?: string;
  /** Of a run's end. */
  readonly endReason?: string;
  /** What was said, which must be found again. */
  readonly words?: string;
}

/** How what happens in a run is chosen, and told of. */
export interface Moves {
  /** Repeatable: a whole number below this one. */
  readonly pick: (below: number) => number;
  /** Writes down what was acknowledged just now. */
  readonly tell: (told: Omit<Told, 'writerId' | 'bytes'>) => void;
  /** One that nobody else says. */
  readonly word: () => string;
  readonly open: { readonly run: RunRecorder; readonly step: StepRecorder }[];
}

/** A recorder with a journal file of its own, and what happens to it. */
export interface Tape extends Moves {
  readonly recorder: Recorder;
  readonly writerId: string;
}

/** How a tape is made. */
export interface TapeOptions {
  readonly home: string;
  readonly ledger: string;
  readonly random: () => number;
  /** The negative control: entries rest in memory before they are written. */
  readonly isBuffered: boolean;
}

let words = 0;

/** A new tape. Its file is made by the first event. */
export function createTape({ home, ledger, random, isBuffered }: TapeOptions): Tape {
  const ids = createIdSource();
  const writerId = ids.hex(8);
  const folder = join(openHome(home), 'journal', 'default');
  // A slow disk must not move the writing into the background: then nothing was acknowledged when the call returned.
  const journal = createJournal({
    ...{ home, projectId: 'default', writerId, limits: { writeMs: 60_000 } },
    ...(isBuffered ? { buffered: true } : {}),
  });
  const contentKey = readOrCreateKey(home, 'default.content', 32);
  const recorder = createRecorder({ journal, ids, writerId, contentKey });
  let file: string | null = null;
  const sizeNow = (): number => {
    try {
      file ??= readdirSync(folder).find((name) => name.endsWith(`-${writerId}.tgj`)) ?? null;
    } catch {
      // The folder comes with its first file.
      return 0;
    }
    return file === null ? 0 : statSync(join(folder, file)).size;
  };
  return {
    recorder,
    writerId,
    pick: (below) => Math.floor(random() * below),
    tell: (told) => appendFileSync(ledger, `${JSON.stringify({ writerId, bytes: sizeNow(), ...told })}\n`),
    word: () => `word${(words += 1).toString(36)}x${ids.hex(4)}`,
    open: [],
  };
}

/** Starts a run, and says so. */
export function begin(tape: Tape, start: RunStart): RunRecorder {
  const words = tape.word();
  const run = tape.recorder.startRun({ ...start, inputs: { words } });
  tape.tell({ what: 'run', runId: run.id, words });
  return run;
}

/** Ends it, and says so. */
export function end(tape: Tape, run: RunRecorder, endReason: 'ok' | 'error' | 'cancelled'): void {
  const words = tape.word();
  run.close({ endReason, output: words });
  tape.tell({ what: 'close', runId: run.id, endReason, words });
}

const shared = Array.from({ length: 3 }, (_unused, index) => ({
  role: 'user',
  content: `what all were asked ${index}`,
}));

function tool(tape: Moves, run: RunRecorder): void {
  const [asked, answered] = [tape.word(), tape.word()];
  const step = run.tool({ name: `tool ${tape.pick(3)}`, args: { asked } });
  tape.tell({ what: 'begin', runId: run.id, stepId: step.id, words: asked });
  if (tape.pick(4) === 0) return void tape.open.push({ run, step });
  const isFailed = tape.pick(3) === 0;
  if (isFailed) step.fail(new Error(answered));
  else step.succeed({ answered, mark: '\u00f5TGJ \u{1f600}' });
  const status = isFailed ? 'error' : 'completed';
  tape.tell({ what: 'end', runId: run.id, stepId: step.id, status, words: answered });
}

function model(tape: Moves, run: RunRecorder): void {
  const [asked, answered] = [tape.word(), tape.word()];
  const messages = [...shared.slice(0, tape.pick(4)), { role: 'user', content: asked }];
  const step = run.step({ kind: 'model', operation: 'generate', model: 'm', messages });
  tape.tell({ what: 'begin', runId: run.id, stepId: step.id, words: asked });
  const tries = 1 + tape.pick(2);
  for (let number = 1; number <= tries; number += 1) {
    const isLast = number === tries;
    const attempt = step.attempt({ method: 'POST', url: 'https://api.example.com/v1/messages' });
    const body = { data: JSON.stringify({ answered: isLast ? answered : 'busy' }), contentType: 'application/json' };
    if (isLast && tape.pick(4) === 0) return void tape.open.push({ run, step });
    attempt.finish({ status: isLast ? 'completed' : 'failed', responseStatus: isLast ? 200 : 529, body });
  }
  step.finish({ status: 'completed', response: [{ type: 'text', text: answered }] });
  tape.tell({ what: 'end', runId: run.id, stepId: step.id, status: 'completed', words: answered });
}

function phase(tape: Moves, run: RunRecorder): void {
  const step = run.step({ kind: 'phase', name: 'part' });
  tape.tell({ what: 'begin', runId: run.id, stepId: step.id });
  step.finish({ status: 'error', error: new Error('no') });
  tape.tell({ what: 'end', runId: run.id, stepId: step.id, status: 'error' });
}

function note(tape: Moves, run: RunRecorder): void {
  const words = tape.word();
  if (tape.pick(2) === 0) run.log('note', { words });
  else run.error(new Error(words));
  tape.tell({ what: 'log', runId: run.id, words });
}

function finishOne(tape: Moves): void {
  const [found] = tape.open.splice(tape.pick(tape.open.length), 1);
  if (found === undefined || found.run.closed) return;
  const { run, step } = found;
  step.finish({ status: 'completed' });
  tape.tell({ what: 'end', runId: run.id, stepId: step.id, status: 'completed' });
}

/** Something that a program does in a run: a call of a model or a tool, ended or not, tried twice or failed. */
export function act(tape: Moves, run: RunRecorder): void {
  const choice = tape.pick(8);
  if (choice < 3) model(tape, run);
  else if (choice < 5) tool(tape, run);
  else if (choice === 5) phase(tape, run);
  else if (choice === 6) note(tape, run);
  else finishOne(tape);
}
