import type { RunRecorder } from '../../../core/record/recording.ts';
import type { ModelStep } from '../model-step.ts';
import { isSame } from '../recall.ts';
import { toFields, toText } from '../sdk-events.ts';

/** A tool that a model asked for. */
export interface AskedTool {
  readonly name: string;
  readonly input: unknown;
  /** Recorded while it ran; what the next prompt says of it adds nothing. */
  isRecorded: boolean;
}

/** What a model was asked last, and what it is to be told next. */
export interface Conversation {
  readonly run: RunRecorder;
  /** The run was begun for this conversation, and ends with it. */
  readonly isOwn: boolean;
  readonly parentStepId: string | undefined;
  /** What the call was made inside of: another scope is another conversation. */
  readonly around: string | null;
  prompt: readonly unknown[];
  step: ModelStep | null;
  /** The last try failed; the same prompt again is another try of the same step. */
  hasFailed: boolean;
  /** The tools that the last answer asked for. */
  readonly toolById: Map<string, AskedTool>;
  /** Tools of it that are running now. */
  openTools: number;
}

/** The results of tools that a prompt ends with: those after the last words of anybody else. */
export function answeredTools(prompt: readonly unknown[]): Map<string, unknown> {
  const resultById = new Map<string, unknown>();
  for (let index = prompt.length - 1; index >= 0; index -= 1) {
    const message = toFields(prompt[index]);
    if (message?.['role'] !== 'tool' || !Array.isArray(message['content'])) break;
    for (const part of message['content'] as unknown[]) {
      const fields = toFields(part);
      if (fields?.['type'] === 'tool-result') resultById.set(String(fields['toolCallId']), fields['output']);
    }
  }
  return resultById;
}

/** The first words of a user, in the prompt's form or in that of the SDK's messages. */
export function firstWords(messages: unknown): string | undefined {
  const list = Array.isArray(messages) ? (messages as unknown[]) : [];
  const first = toFields(list.find((message) => toFields(message)?.['role'] === 'user'));
  const content = first?.['content'];
  if (!Array.isArray(content)) return toText(content);
  return toText(toFields(content.find((part: unknown) => toFields(part)?.['type'] === 'text'))?.['text']);
}

/** The conversations whose next prompt is awaited. */
export interface ConversationBook {
  add(conversation: Conversation): void;
  drop(conversation: Conversation): void;
  /** The conversation that this prompt tries again or goes on with; `null` when it begins one. */
  find(prompt: readonly unknown[], around: string | null): Conversation | null;
  /** The conversation whose model asked for this tool call, and the tool. */
  findTool(call: { id: unknown; name: string; input: unknown; messages: unknown }): [Conversation, AskedTool] | null;
}

/** Conversations whose next prompt never comes are forgotten past this many. */
const conversationsMax = 1000;

/** An empty book. */
export function createConversationBook(): ConversationBook {
  const open = new Set<Conversation>();

  const isRetry = (known: Conversation, prompt: readonly unknown[]): boolean =>
    known.hasFailed && (known.prompt === prompt || isSame(known.prompt, prompt));

  /** How many messages a prompt repeats, when it brings the results that a conversation waits for; else -1. */
  const repeats = (known: Conversation, prompt: readonly unknown[], ids: readonly string[]): number => {
    if (prompt.length <= known.prompt.length || !ids.some((id) => known.toolById.has(id))) return -1;
    const differs = known.prompt.findIndex((message, index) => !isSame(message, prompt[index]));
    return differs === -1 ? known.prompt.length : differs;
  };

  return {
    add(conversation) {
      if (open.size >= conversationsMax) open.delete(open.values().next().value!);
      open.add(conversation);
    },
    drop: (conversation) => void open.delete(conversation),
    find(prompt, around) {
      const ids = [...answeredTools(prompt).keys()];
      let best: Conversation | null = null;
      let most = -1;
      for (const known of open) {
        if (known.around !== around) continue;
        if (isRetry(known, prompt)) return known;
        const count = ids.length === 0 ? -1 : repeats(known, prompt, ids);
        if (count > most) [best, most] = [known, count];
      }
      return best;
    },
    findTool({ id, name, input, messages }) {
      const words = firstWords(messages);
      let found: [Conversation, AskedTool] | null = null;
      for (const known of open) {
        const tool = known.toolById.get(String(id));
        if (tool === undefined || tool.name !== name || tool.isRecorded) continue;
        // Ids of tool calls are the provider's and may repeat: the first words and the arguments tell agents apart.
        if (words !== undefined && words !== firstWords(known.prompt)) continue;
        if (found === null || isSame(toInput(tool.input), input)) found = [known, tool];
      }
      return found;
    },
  };
}

/** Notes the tools that an answer asks its caller for. */
export function noteTools(conversation: Conversation, parts: unknown): void {
  for (const part of Array.isArray(parts) ? (parts as unknown[]) : []) {
    const fields = toFields(part);
    if (fields?.['type'] !== 'tool-call' || fields['providerExecuted'] === true || fields['incomplete'] === true)
      continue;
    const id = String(fields['toolCallId']);
    if (conversation.toolById.has(id)) continue;
    conversation.toolById.set(id, {
      name: toText(fields['toolName']) ?? '',
      input: toInput(fields['input']),
      isRecorded: false,
    });
  }
}

/** The arguments of a tool call: providers hand them over as JSON text. */
function toInput(input: unknown): unknown {
  if (typeof input !== 'string') return input;
  try {
    return JSON.parse(input) as unknown;
  } catch {
    // Not JSON: the tool was asked with these very words.
    return input;
  }
}
