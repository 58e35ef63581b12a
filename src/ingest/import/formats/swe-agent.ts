import { hash } from 'node:crypto';
import type { EndReason } from '../../../core/model/run.ts';
import { readDocument } from '../detect.ts';
import type { Fields } from '../fields.ts';
import { parseJson, toFields, toList, toNumber, toText, toWords } from '../fields.ts';
import type { ForeignFile, ForeignPart, ForeignRun, ForeignStep } from '../foreign.ts';
import { brokenPart, runPart } from '../foreign.ts';

// Transcripts of SWE-agent: `trajectory` has a step per answer of the model (thought, action, observation), `history` the
// messages in order. An answer is a model step, each action of it a tool step below. The format tells no moments, and of
// durations only those of actions.

type Message = Readonly<Record<string, unknown>>;

/** The text of a message: a string, or a list of typed parts. */
function contentText(content: unknown): string | null {
  if (typeof content === 'string') return content;
  const texts = toList(content).map((part) => toText(toFields(part)?.['text']));
  return texts.some((text) => text !== null) ? texts.join('') : null;
}

/** A history entry as the model saw it; what the agent noted beside it is left to the steps. */
function toMessage(entry: Fields): Message {
  const callIds = toList(entry['tool_call_ids']);
  return {
    role: entry['role'],
    content: entry['content'],
    ...(entry['tool_calls'] == null ? {} : { tool_calls: entry['tool_calls'] }),
    ...(callIds.length === 0 ? {} : { tool_call_id: callIds[0] }),
  };
}

interface Answer {
  /** What the model saw. */
  readonly messages: readonly Message[];
  /** The history's entry of the answer, and the one behind it. */
  readonly entry: Fields | null;
  readonly next: Fields | null;
}

const isAnswer = (entry: Fields): boolean => entry['role'] === 'assistant' && entry['is_demo'] !== true;

/** The place of a step's answer in the history, at or behind `from`; `from` itself when none says the same. */
function findAnswer(step: Fields, places: readonly (readonly [at: number, entry: Fields])[], from: number): number {
  const said = toWords(step['response']);
  const did = toWords(step['action']);
  const isSame = (entry: Fields): boolean =>
    (said !== null && contentText(entry['content']) === said) || (did !== null && entry['action'] === did);
  const found = places.findIndex(([, entry], index) => index >= from && isSame(entry));
  return found === -1 ? from : found;
}

/**
 * The answer of each step with what the model saw before it: by the history where that has it, else by the steps
 * before it. The last step of a transcript often has no entry in the history.
 */
function toAnswers(history: readonly Fields[], steps: readonly Fields[]): Answer[] {
  const messages = history.map(toMessage);
  const places = [...history.entries()].filter(([, entry]) => isAnswer(entry));
  const tail = [...messages];
  let from = 0;
  return steps.map((step): Answer => {
    const place = places[findAnswer(step, places, from)];
    from = place === undefined ? places.length : places.indexOf(place) + 1;
    if (place !== undefined) {
      const [at, entry] = place;
      return { messages: messages.slice(0, at), entry, next: history[at + 1] ?? null };
    }
    const seen = [...tail];
    tail.push({ role: 'assistant', content: step['response'] ?? step['thought'] });
    tail.push({ role: 'user', content: step['observation'] });
    return { messages: seen, entry: null, next: null };
  });
}

interface Action {
  readonly name: string;
  readonly args: unknown;
  readonly callId: string | null;
}

function toActions(step: Fields, entry: Fields | null): Action[] {
  const calls = toList(step['tool_calls'] ?? entry?.['tool_calls']).flatMap((call) => {
    const asked = toFields(toFields(call)?.['function']);
    const name = toWords(asked?.['name']);
    if (name === null) return [];
    const text = toText(asked!['arguments']);
    const args = text === null ? asked!['arguments'] : (parseJson(text) ?? text);
    return [{ name, args, callId: toWords(toFields(call)!['id']) }];
  });
  if (calls.length > 0) return calls;
  const action = toWords(step['action'] ?? entry?.['action']);
  if (action === null) return [];
  return [{ name: /^\s*([\w./+-]{1,64})/.exec(action)?.[1] ?? 'action', args: { command: action }, callId: null }];
}

/** The exact messages of a call, where the file has them. A step's `messages` are those after it, so they do not serve. */
function askedMessages(step: Fields): readonly Message[] | null {
  const entries = toList(step['query']).map(toFields);
  return entries.length === 0 || entries.includes(null) ? null : entries.map((entry) => toMessage(entry!));
}

function toSteps(
  step: Fields,
  answer: Answer,
  of: { readonly index: number; readonly model: string | null },
): ForeignStep[] {
  const { entry, next } = answer;
  const actions = toActions(step, entry);
  const text = contentText(entry?.['content']) ?? toText(step['response']) ?? '';
  const key = `${of.index}`;
  const seconds = toNumber(step['execution_time']);
  const durationMs = seconds === null || seconds < 0 ? null : Math.round(seconds * 1000);
  const thought = toWords(step['thought'] ?? entry?.['thought']);
  const calls = actions.filter(({ callId }) => callId !== null);
  const base = { startedAtMs: null, attempt: null };
  const model: ForeignStep = {
    ...base,
    key,
    parentKey: null,
    durationMs: null,
    start: {
      kind: 'model',
      operation: 'generate',
      ...(of.model === null ? {} : { model: of.model }),
      messages: askedMessages(step) ?? answer.messages,
      observedAfter: true,
      ...(thought === null || thought === text ? {} : { metadata: { thought } }),
    },
    finish: {
      status: 'completed',
      response: [
        ...(text === '' ? [] : [{ type: 'text', text }]),
        ...calls.map(({ name, args, callId }) => ({
          type: 'tool-call',
          toolCallId: callId,
          toolName: name,
          input: args,
        })),
      ],
      durationMs: null,
      usage: null,
    },
  };
  const observation = step['observation'] ?? next?.['content'];
  const tools = actions.map((action, index): ForeignStep => ({
    ...base,
    key: null,
    parentKey: key,
    // One time and one observation are told for all actions of an answer: they are its last one's.
    durationMs: index === actions.length - 1 ? durationMs : null,
    start: {
      kind: 'tool',
      name: action.name,
      args: action.args,
      ...(action.callId === null ? {} : { callId: action.callId }),
      observedAfter: true,
      ...(step['state'] == null ? {} : { metadata: { state: step['state'] } }),
    },
    finish: {
      status: 'completed',
      durationMs: index === actions.length - 1 ? durationMs : null,
      ...(index === actions.length - 1 && observation !== undefined ? { result: observation } : {}),
    },
  }));
  return [model, ...tools];
}

const endReasons: readonly (readonly [RegExp, EndReason])[] = [
  [/^submitted/, 'ok'],
  [/cost/, 'budget_exceeded'],
  [/time/, 'timeout'],
  [/^exit_|error|context|format/, 'error'],
];

/** How the agent says that it stopped; without a word it was cut off. */
function toEndReason(status: string | null): EndReason {
  return endReasons.find(([pattern]) => pattern.test(status ?? ''))?.[1] ?? 'interrupted';
}

/** The configuration that the run can be played again with: an object, or its JSON text. */
function toConfig(value: unknown): Fields | null {
  return toFields(typeof value === 'string' ? parseJson(value) : value);
}

/** A transcript as a run, or why it is none. `text` is the file's own. */
export function parseTranscript(text: string, name: string): ForeignRun | string {
  const document = toFields(parseJson(text));
  if (document === null) return 'it is no JSON object';
  const history = toList(document['history'])
    .map(toFields)
    .filter((entry) => entry !== null);
  const told = toList(document['trajectory'])
    .map(toFields)
    .filter((step) => step !== null);
  // Without steps of its own a transcript has those of its history.
  const trajectory = told.length > 0 ? told : history.filter(isAnswer).map((): Fields => ({}));
  const answers = toAnswers(history, trajectory);
  if (trajectory.length === 0) return 'it has no steps';
  const info = toFields(document['info']) ?? {};
  const { submission, ...facts } = info;
  const config = toConfig(document['replay_config']);
  const model = toWords(toFields(toFields(config?.['agent'])?.['model'])?.['name']);
  const environment = toWords(document['environment']);
  const asked = history.filter((entry) => entry['role'] === 'user' && entry['is_demo'] !== true)[0];
  return {
    identity: hash('sha256', text),
    startedAtMs: null,
    finishedAtMs: null,
    agentId: 'swe-agent',
    kind: null,
    name: name.replace(/\.traj$/, ''),
    sessionId: null,
    model,
    labels: environment === null ? {} : { environment },
    parent: null,
    inputs: asked === undefined ? undefined : (contentText(asked['content']) ?? undefined),
    output: submission ?? undefined,
    error: undefined,
    endReason: toEndReason(toText(info['exit_status'])),
    notes: [
      { type: 'swe-agent-info', data: facts },
      ...(config === null ? [] : [{ type: 'swe-agent-config', data: config }]),
    ],
    steps: trajectory.flatMap((step, index) => toSteps(step, answers[index]!, { index, model })),
  };
}

/** The one run of a transcript. */
export async function* readTranscript(file: ForeignFile): AsyncGenerator<ForeignPart> {
  const text = await readDocument(file);
  const run = text === null ? 'it is larger than 512 MiB' : parseTranscript(text, file.name);
  yield typeof run === 'string' ? brokenPart('the file', run) : runPart(run);
}
