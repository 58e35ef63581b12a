import { hash } from 'node:crypto';
import type { Cost, CostSource, CostStatus } from '../../../core/model/cost.ts';
import { costSources, costStatuses } from '../../../core/model/cost.ts';
import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import type { Fields } from '../fields.ts';
import { parseJson, toFields, toList, toNumber, toText, toTimeMs, toWords } from '../fields.ts';
import type { ForeignFile, ForeignPart, ForeignRun, ForeignStep } from '../foreign.ts';
import { brokenPart, runPart } from '../foreign.ts';

// Trace files of a Mixture of Agents: one JSON line per fan-out, with what each reference saw and said, and what the
// aggregator made of it. Each line is a run of kind `moa_turn`. The line's one time is that of its writing, at its end.

/** A line longer than this is not read into memory. */
const lineCharsMax = 64 * 1024 * 1024;

function toMoaUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  return toUsage(
    {
      total: usage['input_tokens'],
      cacheRead: usage['cache_read_tokens'],
      cacheWrite: usage['cache_write_tokens'],
    },
    { total: usage['output_tokens'], reasoning: usage['reasoning_tokens'] },
  );
}

function toMoaCost(fields: Fields): Cost | null {
  const usd = toNumber(fields['cost_usd']);
  const status = costStatuses.find((each): each is CostStatus => each === fields['cost_status']);
  const source = costSources.find((each): each is CostSource => each === fields['cost_source']);
  if (usd === null || usd < 0 || status === undefined || status === 'unknown' || source === undefined) return null;
  return { nanoUsd: Math.round(usd * 1e9), status, source };
}

function toStep(fields: Fields, role: 'reference' | 'aggregator', atMs: number | null): ForeignStep {
  const output = fields['output'];
  const told = toText(output);
  const isElsewhere = fields['output_location'] === 'assistant_message_in_session_db';
  const temperature = toNumber(fields['temperature']);
  const label = toWords(fields['label']);
  const provider = toWords(fields['provider']);
  const model = toWords(fields['model']);
  const response = told === null ? output : [{ type: 'text', text: told }];
  const isMissing = output === null || output === undefined;
  return {
    key: null,
    parentKey: null,
    startedAtMs: atMs,
    durationMs: null,
    start: {
      kind: 'model',
      operation: fields['streamed'] === true ? 'stream' : 'generate',
      name: label ?? role,
      ...(provider === null ? {} : { provider }),
      ...(model === null ? {} : { model }),
      messages: toList(fields['input_messages']),
      ...(temperature === null ? {} : { options: { temperature } }),
      metadata: {
        role,
        ...(fields['output_location'] === undefined ? {} : { outputLocation: fields['output_location'] }),
      },
      observedAfter: true,
    },
    finish: {
      status: isMissing && !isElsewhere ? 'error' : 'completed',
      ...(isMissing
        ? isElsewhere
          ? { outputsWithheld: true }
          : { error: toWords(fields['error']) ?? 'The file has no answer of this model.' }
        : { response }),
      durationMs: null,
      usage: toMoaUsage(fields['usage']),
      ...(fields['usage'] === undefined ? {} : { usageRaw: fields['usage'] }),
      cost: toMoaCost(fields),
    },
    attempt: null,
  };
}

/** A line as a run, or why it is none. */
export function parseMoaLine(line: string): ForeignRun | string {
  const fields = toFields(parseJson(line));
  if (fields === null) return 'it is no JSON object';
  const aggregator = toFields(fields['aggregator']);
  const references = toList(fields['references']).map(toFields);
  if (aggregator === null) return 'it has no aggregator';
  if (!Array.isArray(fields['references']) || references.includes(null)) return 'its references are no list of objects';
  const seconds = toNumber(fields['ts']);
  const atMs = seconds === null ? null : toTimeMs(seconds * 1000);
  const steps = [
    ...references.map((reference) => toStep(reference!, 'reference', atMs)),
    toStep(aggregator, 'aggregator', atMs),
  ];
  const preset = toWords(fields['preset']);
  return {
    identity: hash('sha256', line),
    startedAtMs: atMs,
    finishedAtMs: atMs,
    agentId: 'moa',
    kind: 'moa_turn',
    name: preset,
    sessionId: toWords(fields['session_id']),
    model: toWords(aggregator['model']),
    labels: preset === null ? {} : { preset },
    parent: null,
    inputs: undefined,
    output: toText(aggregator['output']) ?? undefined,
    error: undefined,
    endReason: steps.at(-1)!.finish.status === 'completed' ? 'ok' : 'error',
    notes: [],
    steps,
  };
}

/** The lines of a file, with their numbers; a line that is too long is `null`. */
async function* readLines(file: ForeignFile): AsyncGenerator<readonly [number: number, line: string | null]> {
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  let isTooLong = false;
  const take = (text: string): readonly [number, string | null] => {
    number += 1;
    const told = isTooLong ? null : text.replace(/\r$/, '').replace(/^\uFEFF/, '');
    isTooLong = false;
    return [number, told];
  };
  for await (const chunk of file.read()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield take(line);
    if (rest.length <= lineCharsMax) continue;
    isTooLong = true;
    rest = '';
  }
  rest += decoder.decode();
  if (rest !== '' || isTooLong) yield take(rest);
}

/** The runs of a trace file, line by line. A broken line is told with its number, and the rest is read. */
export async function* readMoa(file: ForeignFile): AsyncGenerator<ForeignPart> {
  for await (const [number, line] of readLines(file)) {
    if (line?.trim() === '') continue;
    const run = line === null ? 'it is longer than 64 MiB' : parseMoaLine(line);
    yield typeof run === 'string' ? brokenPart(`line ${number}`, run) : runPart(run);
  }
}
