import type { AttemptFinish, AttemptRequest, StepFinish } from '../../../core/record/recording.ts';
import { readDocument } from '../detect.ts';
import type { Fields } from '../fields.ts';
import { parseJson, toFields, toList, toNumber, toText, toTimeMs, toWords } from '../fields.ts';
import type { ForeignFile, ForeignPart, ForeignRun, ForeignStep } from '../foreign.ts';
import { brokenPart, runPart } from '../foreign.ts';
import { findToolOutcome, toAnswerParts, toDevtoolsUsage, toFinishReason } from './devtools-answer.ts';

// The file of the AI SDK's DevTools, `.devtools/generations.json`: one document with the runs and, apart, the steps. What
// went in and came out of a step stands in it as JSON text. Tools have no entry of their own: their calls are in the
// answer, their results in the next step's prompt.

/** A step with what its texts hold. */
interface ReadStep {
  readonly entry: Fields;
  readonly input: Fields;
  readonly output: Fields | null;
  readonly number: number;
}

/** A JSON text in a field; an error word when it is no JSON. */
function readText(entry: Fields, field: string): unknown {
  const text = toText(entry[field]);
  if (text === null) return null;
  const value = parseJson(text);
  if (value === undefined) throw new SyntaxError(`its ${field} is no JSON`);
  return value;
}

function readStep(entry: Fields): ReadStep {
  const input = toFields(readText(entry, 'input'));
  if (input === null) throw new SyntaxError('its input is no JSON object');
  return { entry, input, output: toFields(readText(entry, 'output')), number: toNumber(entry['step_number']) ?? 0 };
}

function toAttempt(entry: Fields): ForeignStep['attempt'] {
  const asked = toText(entry['raw_request']);
  if (asked === null) return null;
  const contentType = 'application/json';
  const answered = toText(entry['raw_chunks']) ?? toText(entry['raw_response']);
  const request: AttemptRequest = { body: { data: asked, contentType } };
  const finish: AttemptFinish = {
    status: toWords(entry['error']) === null ? 'completed' : 'failed',
    ...(answered === null ? {} : { body: { data: answered, contentType } }),
    durationMs: toNumber(entry['duration_ms']),
  };
  return { request, finish };
}

function toFinish({ entry, output }: ReadStep, parts: readonly unknown[]): StepFinish {
  const error = toWords(entry['error']);
  const response = toFields(output?.['response']);
  const model = toWords(response?.['modelId']);
  const responseId = toWords(response?.['id']);
  const finishReason = toFinishReason(output?.['finishReason']);
  const usage = readText(entry, 'usage') ?? output?.['usage'];
  const isAborted = error === 'Request aborted';
  return {
    status: isAborted ? 'interrupted' : error !== null ? 'error' : output === null ? 'interrupted' : 'completed',
    ...(error === null || isAborted ? {} : { error: new Error(error) }),
    ...(parts.length === 0 ? {} : { response: parts }),
    ...(model === null ? {} : { model }),
    ...(responseId === null ? {} : { providerResponseId: responseId }),
    ...(finishReason === null ? {} : { finishReason }),
    usage: toDevtoolsUsage(usage),
    ...(usage == null ? {} : { usageRaw: usage }),
    durationMs: toNumber(entry['duration_ms']),
  };
}

function toModelStep(step: ReadStep, parts: readonly unknown[]): ForeignStep {
  const { entry, input } = step;
  const { prompt, tools, ...options } = input;
  const providerOptions = toFields(readText(entry, 'provider_options'));
  const model = toWords(entry['model_id']);
  const provider = toWords(entry['provider']);
  const isList = Array.isArray(prompt);
  return {
    key: toWords(entry['id']),
    parentKey: null,
    startedAtMs: toTimeMs(entry['started_at']),
    durationMs: toNumber(entry['duration_ms']),
    start: {
      kind: 'model',
      operation: entry['type'] === 'stream' ? 'stream' : 'generate',
      ...(model === null ? {} : { model }),
      ...(provider === null ? {} : { provider }),
      ...(isList ? { messages: prompt } : prompt === undefined ? {} : { request: prompt }),
      ...(Array.isArray(tools) ? { tools } : {}),
      options: { ...options, ...(providerOptions === null ? {} : { providerOptions }) },
      observedAfter: true,
    },
    finish: toFinish(step, parts),
    attempt: toAttempt(entry),
  };
}

function toToolSteps(step: ReadStep, parts: readonly unknown[], next: ReadStep | null): ForeignStep[] {
  const startedAtMs = toTimeMs(step.entry['started_at']);
  const durationMs = toNumber(step.entry['duration_ms']);
  return parts.map(toFields).flatMap((part): ForeignStep[] => {
    const callId = part?.['type'] === 'tool-call' ? toWords(part['toolCallId']) : null;
    if (part === null || callId === null) return [];
    const input = part['input'] ?? part['args'];
    const args = typeof input === 'string' ? (parseJson(input) ?? input) : input;
    const outcome = findToolOutcome(callId, parts, toList(next?.input['prompt']));
    return [
      {
        key: null,
        parentKey: toWords(step.entry['id']),
        startedAtMs: startedAtMs === null || durationMs === null ? null : startedAtMs + durationMs,
        durationMs: null,
        start: { kind: 'tool', name: toWords(part['toolName']) ?? 'tool', args, callId, observedAfter: true },
        finish: {
          status: outcome === null ? 'interrupted' : outcome.isError ? 'error' : 'completed',
          ...(outcome === null ? {} : outcome.isError ? { error: outcome.value } : { result: outcome.value }),
          durationMs: null,
        },
        attempt: null,
      },
    ];
  });
}

function toRun(entry: Fields, id: string, steps: readonly ReadStep[]): ForeignRun {
  const ordered = steps.toSorted((a, b) => a.number - b.number);
  const foreign = ordered.flatMap((step, index) => {
    const parts = step.output === null ? [] : toAnswerParts(step.output);
    return [toModelStep(step, parts), ...toToolSteps(step, parts, ordered[index + 1] ?? null)];
  });
  const models = foreign.filter((step) => step.start.kind === 'model');
  const ends = foreign.flatMap(({ startedAtMs, durationMs }) =>
    startedAtMs === null ? [] : [startedAtMs + (durationMs ?? 0)],
  );
  const last = models.at(-1)?.finish.status;
  const parentId = toWords(entry['parent_run_id']);
  const isRead = steps.length > 0;
  return {
    identity: id,
    startedAtMs: toTimeMs(entry['started_at']),
    finishedAtMs: ends.length === 0 ? null : Math.max(...ends),
    agentId: toWords(entry['function_id']) ?? 'ai-sdk',
    kind: null,
    name: null,
    sessionId: null,
    model: models[0]?.start.model ?? null,
    labels: { 'devtools.run': id },
    parent: parentId === null ? null : { identity: parentId, stepKey: toWords(entry['parent_step_id']) },
    inputs: undefined,
    output: undefined,
    error: undefined,
    endReason: !isRead || last === 'interrupted' ? 'interrupted' : last === 'error' ? 'error' : 'ok',
    notes: [],
    steps: foreign,
  };
}

/** Parents before their children, whatever the order of the file; runs in a circle keep theirs. */
function parentsFirst(runs: readonly ForeignRun[]): ForeignRun[] {
  const byIdentity = new Map(runs.map((run) => [run.identity, run]));
  const sorted = new Set<ForeignRun>();
  const place = (run: ForeignRun, above: ReadonlySet<ForeignRun>): void => {
    if (sorted.has(run) || above.has(run)) return;
    const parent = run.parent === null ? undefined : byIdentity.get(run.parent.identity);
    if (parent !== undefined) place(parent, new Set([...above, run]));
    sorted.add(run);
  };
  for (const run of runs) place(run, new Set());
  return [...sorted];
}

/** The parts of a DevTools document. A broken step or run is told by its id, and the rest is read. */
export function parseDevtools(text: string): ForeignPart[] {
  const document = toFields(parseJson(text));
  if (document === null) return [brokenPart('the file', 'it is no JSON object')];
  const broken: ForeignPart[] = [];
  const stepsByRun = new Map<string, ReadStep[]>();
  for (const [index, value] of toList(document['steps']).entries()) {
    const entry = toFields(value);
    const runId = toWords(entry?.['run_id']);
    const place = `step ${toWords(entry?.['id']) ?? `number ${index + 1}`}`;
    try {
      if (entry === null || runId === null) throw new SyntaxError('it names no run');
      stepsByRun.set(runId, [...(stepsByRun.get(runId) ?? []), readStep(entry)]);
    } catch (error) {
      broken.push(brokenPart(place, (error as Error).message));
    }
  }
  const runs: ForeignRun[] = [];
  for (const [index, value] of toList(document['runs']).entries()) {
    const entry = toFields(value);
    const id = toWords(entry?.['id']);
    const place = id === null ? `run number ${index + 1}` : `run ${id}`;
    try {
      if (entry === null || id === null) throw new SyntaxError('it has no id');
      runs.push(toRun(entry, id, stepsByRun.get(id) ?? []));
      stepsByRun.delete(id);
    } catch (error) {
      broken.push(brokenPart(place, (error as Error).message));
    }
  }
  for (const id of stepsByRun.keys()) broken.push(brokenPart(`run ${id}`, 'it has steps, and no entry of its own'));
  return [...broken, ...parentsFirst(runs).map(runPart)];
}

/** The runs of a DevTools file. */
export async function* readDevtools(file: ForeignFile): AsyncGenerator<ForeignPart> {
  const text = await readDocument(file);
  yield* text === null ? [brokenPart('the file', 'it is larger than 512 MiB')] : parseDevtools(text);
}
